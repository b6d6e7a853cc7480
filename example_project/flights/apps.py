"""The app of the flights."""

from __future__ import annotations

from django.apps import AppConfig


class FlightsConfig(AppConfig):
    """Flights that left New York City in 2013."""

    name = "example_project.flights"
    verbose_name = "Flights from New York City, 2013"
    default_auto_field = "django.db.models.BigAutoField"
