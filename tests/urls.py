"""Addresses of the suite's project: what a site's own `urls.py` would hold."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("gridkit/", include("gridkit_django.urls")),
    path("market/", include("gridkit_django.api.market.urls")),
]
