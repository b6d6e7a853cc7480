"""The rows by which administrators see which process runs which generation."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.models import RuntimeProcess

_GONE_AFTER_BEATS = 20


class ProcessRow:
    """This process's row. After a fork the child has a row of its own.

    Attributes:
        kind: ``web``, ``celery`` or ``command``.
    """

    def __init__(self) -> None:
        self.kind = "command"
        self.renew()

    def renew(self) -> None:
        """Begin again as a new process: after a fork, and at the start."""
        self.pid = os.getpid()
        self._host = platform.node()[:255]
        self._started_at = timezone.now()
        self._written: tuple[int, Mapping[str, int]] | None = None
        self._written_at = 0.0

    def is_due(self, generation: int, plugins: Mapping[str, int]) -> bool:
        """Whether something changed, or the last report is older than ``HEARTBEAT_SECONDS``."""
        if self._written != (generation, plugins):
            return True
        return time.monotonic() - self._written_at >= settings().HEARTBEAT_SECONDS

    def write(self, generation: int, plugins: Mapping[str, int]) -> None:
        """Write the row, and drop rows of processes that have long been silent.

        Args:
            generation: the generation that this process follows.
            plugins: plugin id to the revision at work here.
        """
        now = timezone.now()
        RuntimeProcess.objects.update_or_create(
            host=self._host,
            pid=self.pid,
            defaults={
                "kind": self.kind,
                "generation": generation,
                "plugins": dict(plugins),
                "started_at": self._started_at,
                "seen_at": now,
            },
        )
        silent = timedelta(seconds=settings().HEARTBEAT_SECONDS * _GONE_AFTER_BEATS)
        RuntimeProcess.objects.filter(seen_at__lt=now - silent).delete()
        self._written = (generation, dict(plugins))
        self._written_at = time.monotonic()

    def describe(self) -> dict[str, str | int]:
        """Return host and process id, as evidence beside what this process saw."""
        return {"host": self._host, "pid": self.pid, "kind": self.kind}
