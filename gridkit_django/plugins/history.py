"""Keeping history short: health checks and usage are thinned once an hour, by whoever checks health."""

from __future__ import annotations

import time

from gridkit_django.plugins.health_history import thin_health
from gridkit_django.plugins.usage_history import thin_usage

_EVERY_SECONDS = 3600.0


class History:
    """Thins what is stored about the past. Two processes that do so at once do it twice, which changes nothing."""

    def __init__(self) -> None:
        self._due_at = 0.0

    def thin(self) -> bool:
        """Thin it, unless this process did so within the hour; whether it did."""
        if time.monotonic() < self._due_at:
            return False
        thin_health()
        thin_usage()
        self._due_at = time.monotonic() + _EVERY_SECONDS
        return True
