"""Addresses of the two sites: those of the example project, and the marketplace."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("market/", include("gridkit_django.api.market.urls")),
    path("", include("example_project.urls")),
]
