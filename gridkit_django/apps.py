"""Wiring: the app config owns this process's bus, registries and runtime. Nothing here touches the database."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from gridkit_django.conf import settings
from gridkit_django.events import EventBus


class GridKitConfig(AppConfig):
    """GridKit for Django.

    Attributes:
        event_bus: publishes this process's events.
    """

    name = "gridkit_django"
    verbose_name = "GridKit"
    default_auto_field = "django.db.models.BigAutoField"

    event_bus: EventBus

    def ready(self) -> None:
        """Wire the rooms together, once, after all models are loaded."""
        setting_changed.connect(settings.forget, dispatch_uid="gridkit_django.conf")
        self.event_bus = EventBus(tuple(import_string(path) for path in settings().EVENT_MIDDLEWARE))
