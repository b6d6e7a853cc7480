"""Addresses of GridKit: ``path("gridkit/", include("gridkit_django.urls"))`` mounts the API and the pages."""

from __future__ import annotations

from django.urls import include, path

app_name = "gridkit"

urlpatterns = [
    path("api/", include("gridkit_django.api.urls")),
    path("", include("gridkit_django.pages.urls")),
]
