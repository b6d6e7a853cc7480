"""The app of the official plugins: it only brings their system checks; the plugins themselves are installed."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register

from gridkit_plugins.export.availability import check_pdf


class GridKitPluginsConfig(AppConfig):
    """The official plugins as a Django app."""

    name = "gridkit_plugins"
    verbose_name = "GridKit plugins"

    def ready(self) -> None:
        """Register the system checks."""
        register(check_pdf, "gridkit")
