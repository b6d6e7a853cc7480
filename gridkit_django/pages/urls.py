"""Addresses of the pages, below the prefix that the project mounts."""

from __future__ import annotations

from django.urls import path

from gridkit_django.pages.exports import exports_page
from gridkit_django.pages.health import health
from gridkit_django.pages.views import grid_page, index

urlpatterns = [
    path("", index, name="index"),
    path("health/", health, name="health"),
    path("exports/", exports_page, name="exports"),
    path("grids/<slug:grid_id>/", grid_page, name="grid"),
]
