"""Where the counts lie: one value of the plugin's storage for each day and grid, written exactly once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from gridkit_django.exceptions import StorageQuotaError
from gridkit_django.plugins import OutgoingMessage, PluginContext
from gridkit_plugins.analytics.counting import Day, days_of, joined_days

_PREFIX = "day/"


class CountStore:
    """Keeps counts in the plugin's storage.

    Args:
        context: the plugin's context.
    """

    def __init__(self, context: PluginContext) -> None:
        self._context = context

    def deliver(self, messages: tuple[OutgoingMessage, ...]) -> None:
        """Add counts, in the transaction that removes them from the outbox; and let go of days that are too old."""
        for (day, grid), added in sorted(days_of(message.payload for message in messages).items()):
            self._add(f"{_PREFIX}{day}/{grid}", added)
        last = timezone.localdate() - timedelta(days=self._context.config.keep_days)
        for key in self._context.storage.keys(_PREFIX):
            if key >= f"{_PREFIX}{last.isoformat()}":
                break
            self._context.storage.delete(key)

    def days(self, since: date, until: date) -> list[tuple[date, str, Day]]:
        """Return the days that were counted: the date, the grid, and what happened.

        Args:
            since: the first day.
            until: the last day.
        """
        found = []
        for key in self._context.storage.keys(_PREFIX):
            _, day, grid = key.split("/", 2)
            if since.isoformat() <= day <= until.isoformat():
                found.append((date.fromisoformat(day), grid, _read(self._context.storage.get(key))))
        return found

    def _add(self, key: str, added: Day) -> None:
        """Add to a day; when the storage is full, the oldest day makes room."""
        whole = joined_days(_read(self._context.storage.get(key)), added)
        while True:
            try:
                self._context.storage.set(key, whole)
            except StorageQuotaError as error:
                oldest = next(iter(self._context.storage.keys(_PREFIX)), key)
                if oldest >= key:
                    self._context.logger.warning("Counts of %s are lost: %s", key, error.detail)
                    return
                self._context.storage.delete(oldest)
            else:
                return


def _read(value: Any) -> Day:
    return dict(value) if isinstance(value, dict) else {}
