"""The board: rows by which administrators see which process of which host runs what."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginNotFoundError
from gridkit_django.models import DesiredState, EffectiveState, InstalledPlugin, RuntimeProcess
from gridkit_django.plugins.savepoints import database

_ALIVE_BEATS = 4
_GONE_AFTER_BEATS = 20
_ERROR_LENGTH = 2000

SERVING_KINDS = ("web", "celery")
"""The kinds of processes that stay; commands come and go."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Which of the versions that operations are about to switch to a host has.

    Attributes:
        ready: digests of those that are unpacked and compiled.
        unready: digests of those that can't be, with the reason.
    """

    ready: tuple[str, ...] = ()
    unready: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """What a process says about itself.

    Attributes:
        generation: the generation that it follows.
        plugins: plugin id to the revision at work.
        safe_mode: whether it runs no plugins on purpose.
        last_error: why it does not run what is wanted; empty when all is well.
        prepared: which coming versions this host has.
    """

    generation: int
    plugins: Mapping[str, int] = field(default_factory=dict)
    safe_mode: bool = False
    last_error: str = ""
    prepared: Prepared = field(default_factory=Prepared)


class ProcessRow:
    """This process's row. After a fork the child has a row of its own.

    Attributes:
        kind: ``web``, ``celery`` or ``command``.
        prepared: which coming versions this host has; told with each report.
        figures: returns what is told of each plugin beside that; it does not make a report due.
    """

    def __init__(self) -> None:
        self.kind = "command"
        self.figures: Callable[[], Mapping[str, Any]] = dict
        self.renew()

    def renew(self) -> None:
        """Begin again as a new process: after a fork, and at the start."""
        self.pid = os.getpid()
        self._host = platform.node()[:255]
        self._started_at = timezone.now()
        self.prepared = Prepared()
        self._written: ProcessReport | None = None
        self._written_at = 0.0
        self._has_left = False
        self._lock = threading.Lock()

    def is_due(self, report: ProcessReport) -> bool:
        """Whether something changed, or the last report is older than ``HEARTBEAT_SECONDS``."""
        if self._written != report:
            return True
        return time.monotonic() - self._written_at >= settings().HEARTBEAT_SECONDS

    def hurry(self) -> None:
        """Make the next report due, whatever it says."""
        self._written = None

    def write(self, report: ProcessReport) -> None:
        """Write the row, unless another thread just did, and drop rows of processes that have long been silent."""
        report = replace(report, prepared=self.prepared)
        with self._lock:
            if not self._has_left and self.is_due(report):
                self._write(report)

    def leave(self) -> None:
        """Take the row away because this process ends; it writes none after that.

        Raises:
            django.db.Error: when the database can't be asked; then the row is silent for a while and dropped by others.
        """
        with self._lock:
            self._has_left = True
            if self._written is not None:
                RuntimeProcess.objects.using(database()).filter(host=self._host, pid=self.pid).delete()

    def describe(self) -> dict[str, str | int]:
        """Return host and process id, as evidence beside what this process saw."""
        return {"host": self._host, "pid": self.pid, "kind": self.kind}

    def _write(self, report: ProcessReport) -> None:
        now = timezone.now()
        rows = RuntimeProcess.objects.using(database())
        rows.update_or_create(
            host=self._host,
            pid=self.pid,
            defaults={
                "kind": self.kind,
                "generation": report.generation,
                "plugins": dict(report.plugins),
                "safe_mode": report.safe_mode,
                "last_error": report.last_error[:_ERROR_LENGTH],
                "ready": list(report.prepared.ready),
                "unready": {key: reason[:_ERROR_LENGTH] for key, reason in report.prepared.unready.items()},
                "figures": dict(self.figures()),
                "started_at": self._started_at,
                "seen_at": now,
            },
        )
        rows.filter(seen_at__lt=now - _beats(_GONE_AFTER_BEATS)).delete()
        self._written = report
        self._written_at = time.monotonic()


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """One process of the site, as it last reported itself.

    Attributes:
        host: the host's name.
        pid: its process id there.
        kind: ``web`` or ``celery``.
        generation: the generation that it follows.
        revision: the revision of the plugin in question that is at work there, or None.
        safe_mode: whether it runs no plugins on purpose.
        last_error: why it does not run what is wanted; empty when all is well.
        seen_at: when it reported itself.
    """

    host: str
    pid: int
    kind: str
    generation: int
    revision: int | None
    safe_mode: bool
    last_error: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Convergence:
    """How far the processes are with one plugin. Processes that are silent are not counted.

    Attributes:
        plugin_id: which plugin.
        revision: the revision that is wanted, or None when no process is to run it.
        on: the processes that do what is wanted.
        behind: those that do not yet, or can't; ``last_error`` says why.
    """

    plugin_id: str
    revision: int | None
    on: tuple[ProcessInfo, ...]
    behind: tuple[ProcessInfo, ...]


def convergence(plugin_id: str) -> Convergence:
    """Return which living web and Celery processes run a plugin as it is wanted now, and which do not.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
    """
    row = InstalledPlugin.objects.using(database()).filter(plugin_id=plugin_id).first()
    if row is None:
        raise PluginNotFoundError(f"The plugin {plugin_id!r} is not installed on this site.")
    wanted = row.revision if _is_to_run(row) else None
    found = [_info(process, plugin_id) for process in living_processes()]
    return Convergence(
        plugin_id,
        wanted,
        on=tuple(process for process in found if process.revision == wanted),
        behind=tuple(process for process in found if process.revision != wanted),
    )


def living_processes() -> list[RuntimeProcess]:
    """Return the rows of the web and Celery processes that reported themselves lately, by host and process id."""
    since = timezone.now() - _beats(_ALIVE_BEATS)
    rows = RuntimeProcess.objects.using(database()).filter(kind__in=SERVING_KINDS, seen_at__gte=since)
    return list(rows.order_by("host", "pid"))


def _is_to_run(row: InstalledPlugin) -> bool:
    return row.desired_state == DesiredState.ACTIVE and row.effective_state != EffectiveState.SUSPENDED


def _info(process: RuntimeProcess, plugin_id: str) -> ProcessInfo:
    return ProcessInfo(
        host=process.host,
        pid=process.pid,
        kind=process.kind,
        generation=process.generation,
        revision=process.plugins.get(plugin_id),
        safe_mode=process.safe_mode,
        last_error=process.last_error,
        seen_at=process.seen_at,
    )


def _beats(count: int) -> timedelta:
    return timedelta(seconds=settings().HEARTBEAT_SECONDS * count)
