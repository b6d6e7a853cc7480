"""Recording what plugins use: each process adds up what its handlers did in an hour, and stores the sums now and then.

The sums are stored whole, not as differences, so storing them twice changes nothing and a failure costs nothing. Each
process has rows of its own; readers add them up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Protocol

from django.db import transaction

from gridkit_django.conf import settings
from gridkit_django.models import InstalledPlugin, PluginUsageRecord
from gridkit_django.plugins.histogram import Histogram
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.memory import HeapBook
from gridkit_django.plugins.permission_use import PermissionUse, Use, store_uses
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.processes import ProcessRow
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.stats import CallDelta, CallStats

_NAME_LENGTH = 300
_KEY = ("plugin", "name", "process", "hour")
_SUMS = ("calls", "errors", "slow", "skipped", "wall_ms", "cpu_ms", "histogram", "heap_bytes")

WHOLE = ""
"""The name of the row about a plugin as a whole, which holds its heap."""


class Recorded(Protocol):
    """What the recorder needs of the runtime."""

    @property
    def live(self) -> Mapping[str, LivePlugin]:
        """The plugins at work in this process."""
        ...

    @property
    def heaps(self) -> HeapBook:
        """What is known about the heap of plugins."""
        ...

    @property
    def permission_use(self) -> PermissionUse:
        """Counts the uses of permissions."""
        ...

    @property
    def process(self) -> ProcessRow:
        """This process's row."""
        ...


@dataclass(frozen=True, slots=True)
class _Key:
    plugin_id: str
    name: str
    hour: datetime


@dataclass(slots=True)
class _Sum:
    """What one handler did in one hour in this process."""

    calls: int = 0
    errors: int = 0
    slow: int = 0
    skipped: int = 0
    wall_ns: int = 0
    cpu_ns: int = 0
    histogram: Histogram = field(default_factory=Histogram)
    heap_bytes: int | None = None

    def add(self, delta: CallDelta) -> None:
        """Add what was counted since the last time."""
        self.calls += delta.calls
        self.errors += delta.errors
        self.slow += delta.slow
        self.skipped += delta.skipped
        self.wall_ns += delta.wall_ns
        self.cpu_ns += delta.cpu_ns
        self.histogram.merge(delta.histogram)


class UsageRecorder:
    """Stores usage and uses of permissions. A chore of the runtime; nothing of it is on the way of a call.

    Args:
        runtime: the runtime of this process.
    """

    def __init__(self, runtime: Recorded) -> None:
        self._runtime = runtime
        self._sums: dict[_Key, _Sum] = {}
        self._new: set[_Key] = set()
        self._begin()

    def noticed(self, plugin_id: str, live: LivePlugin | None) -> None:
        """A plugin comes to work or ends: what the old object counted is added up now, and once more when it is stored.

        By then its last calls have ended. Nothing but its counters is kept of it.
        """
        with self._lock:
            old = self._lives.pop(plugin_id, None)
            if old is not None:
                self._known[plugin_id] = self._taken(plugin_id, _counted(old))
            if live is not None:
                self._lives[plugin_id] = live

    def record(self) -> None:
        """Store what is new, when the last time was ``HEARTBEAT_SECONDS`` ago; the first time at once.

        So a process that ends after one task has stored what it did.
        """
        if time.monotonic() - self._stored_at >= settings().HEARTBEAT_SECONDS:
            self.store()

    def store(self) -> None:
        """Store what is new, now.

        Raises:
            django.db.Error: when it can't be stored; it is stored with the next.
        """
        with self._lock:
            self._stored_at = time.monotonic()
            self._collect()
            self._note_heaps(_this_hour())
            new, self._new = self._new, set()
            rows = {key: _fields(self._sums[key]) for key in new}
        # Not under the lock: a thread in a transaction may wait for it in noticed(), and this write for the thread.
        uses = self._runtime.permission_use.take()
        try:
            self._write(rows, uses)
        except BaseException:
            with self._lock:
                self._new |= new
            self._runtime.permission_use.put_back(uses)
            raise
        with self._lock:
            hour = _this_hour()
            self._sums = {key: item for key, item in self._sums.items() if key.hour == hour or key in self._new}

    def after_fork(self) -> None:
        """Begin at zero in a forked child: what the parent counted is the parent's."""
        self._begin()
        self._runtime.permission_use.take()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._lives: dict[str, LivePlugin] = {}
        self._known: dict[str, Mapping[CallStats, str]] = {}
        self._sums = {}
        self._new = set()
        self._stored_at = 0.0
        self._born = int(time.time())

    def _collect(self) -> None:
        """Take what was counted since the last time. What ended since then is asked once more, then let go."""
        live = {plugin_id: _counted(found) for plugin_id, found in self._lives.items()}
        known = {plugin_id: self._taken(plugin_id, live.get(plugin_id, {})) for plugin_id in {*self._known, *live}}
        self._known = {plugin_id: counted for plugin_id, counted in known.items() if counted}

    def _taken(self, plugin_id: str, counted: Mapping[CallStats, str]) -> Mapping[CallStats, str]:
        """Add up what these counters, and those known before, counted since the last time; return these."""
        hour = _this_hour()
        for stats, permission in {**self._known.get(plugin_id, {}), **counted}.items():
            delta = stats.take()
            if delta.calls or delta.skipped:
                self._sum_of(_Key(plugin_id, stats.name[:_NAME_LENGTH], hour)).add(delta)
            if delta.calls:
                self._runtime.permission_use.add(plugin_id, permission, delta.calls)
        return counted

    def _note_heaps(self, hour: datetime) -> None:
        for plugin_id, live in self._lives.items():
            figure = self._runtime.heaps.last(live)
            key = _Key(plugin_id, WHOLE, hour)
            known = self._sums.get(key)
            if figure is not None and (known is None or (known.heap_bytes or 0) < figure.size):
                self._sum_of(key).heap_bytes = figure.size

    def _sum_of(self, key: _Key) -> _Sum:
        self._new.add(key)
        return self._sums.setdefault(key, _Sum())

    def _write(self, rows: Mapping[_Key, dict[str, Any]], uses: Mapping[tuple[str, str], Use]) -> None:
        """Store sums and uses; those of plugins that are not installed any more are dropped."""
        if not rows and not uses:
            return
        facts = self._runtime.process.describe()
        process = f"{facts['host']}:{facts['pid']}:{self._born}"
        with transaction.atomic(using=database()):
            owners = _locked({key.plugin_id for key in rows} | {plugin_id for plugin_id, _ in uses})
            PluginUsageRecord.objects.using(database()).bulk_create(
                [
                    PluginUsageRecord(
                        plugin_id=owners[key.plugin_id], name=key.name, process=process, hour=key.hour, **values
                    )
                    for key, values in rows.items()
                    if key.plugin_id in owners
                ],
                update_conflicts=True,
                unique_fields=_KEY,
                update_fields=_SUMS,
            )
            store_uses(uses)


def _locked(plugin_ids: set[str]) -> dict[str, int]:
    """Return the keys of those plugins that are installed, and lock their rows.

    A change locks the plugin's row before it touches what belongs to it. Whoever locked sums or grants first would wait
    for an uninstalling that waits for them, and the database would end one of the two.
    """
    rows = InstalledPlugin.objects.using(database()).filter(plugin_id__in=plugin_ids).order_by("pk")
    return dict(rows.select_for_update(no_key=True).values_list("plugin_id", "pk"))


def _this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def _fields(found: _Sum) -> dict[str, Any]:
    """Return the sums of now as the fields of a row."""
    return {
        "calls": found.calls,
        "errors": found.errors,
        "slow": found.slow,
        "skipped": found.skipped,
        "wall_ms": found.wall_ns / 1e6,
        "cpu_ms": found.cpu_ns / 1e6,
        "histogram": found.histogram.as_dict(),
        "heap_bytes": found.heap_bytes,
    }


def _counted(live: LivePlugin) -> Mapping[CallStats, str]:
    """Return what is counted for a plugin, with the permission that each call is a use of."""
    found: dict[CallStats, str] = {item.stats: Permission.EVENTS_SUBSCRIBE for item in live.subscriptions}
    found.update((stats, Permission.METHODS_REGISTER) for _, stats in live.methods.values())
    found.update((stats, Permission.SCHEDULE_USE) for _, stats in live.jobs.values())
    found.update((item.stats, Permission.MESSAGES_RECEIVE) for item in live.message_handlers)
    return MappingProxyType(found)
