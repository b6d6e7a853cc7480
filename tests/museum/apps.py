"""The museum's app."""

from __future__ import annotations

from django.apps import AppConfig


class MuseumConfig(AppConfig):
    name = "tests.museum"
    label = "museum"
