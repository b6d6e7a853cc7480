"""What a plugin used on the whole site: the rows of all processes, added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.utils import timezone

from gridkit_django.models import InstalledPlugin, PluginUsageRecord
from gridkit_django.plugins.histogram import Histogram
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.storage import DatabaseStorage
from gridkit_django.plugins.usage import WHOLE

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class HandlerUsage:
    """What one handler, method or job did.

    Attributes:
        name: what was called.
        calls: how often.
        errors: how many calls raised.
        slow: how many calls took longer than the budget.
        skipped: how many calls were left out, because those before were too slow.
        p50_ms: the median, in milliseconds, to within a tenth.
        p95_ms: the 95th percentile, in milliseconds, to within a tenth.
        wall_ms: wall time of all calls, in milliseconds.
        cpu_ms: processor time of all calls, in milliseconds.
    """

    name: str
    calls: int
    errors: int
    slow: int
    skipped: int
    p50_ms: float
    p95_ms: float
    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class HourUsage:
    """What the plugin did in one hour; in one day, where that was joined already.

    Attributes:
        hour: when the hour (or day) began.
        calls: how often any of its code was called.
        errors: how many calls raised.
        p95_ms: the 95th percentile of all calls, in milliseconds.
        cpu_ms: processor time of all calls, in milliseconds.
        heap_bytes: the largest heap that a process measured, or None.
    """

    hour: datetime
    calls: int
    errors: int
    p95_ms: float
    cpu_ms: float
    heap_bytes: int | None


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What a plugin used on this site.

    What a process did not store yet (it does so every ``HEARTBEAT_SECONDS``) is missing.

    Attributes:
        plugin_id: which plugin.
        since: from when on.
        total: all its handlers together; its name is empty.
        handlers: each handler, method and job, the one with the most processor time first.
        hours: the hours in which something happened, oldest first.
        heap_bytes: the heap in the newest hour in which one was measured, or None.
        storage_bytes: the size of its storage now.
    """

    plugin_id: str
    since: datetime
    total: HandlerUsage
    handlers: tuple[HandlerUsage, ...]
    hours: tuple[HourUsage, ...]
    heap_bytes: int | None
    storage_bytes: int


def usage_report(row: InstalledPlugin, days: int) -> UsageReport:
    """Return what a plugin used in the last days, in two queries.

    Args:
        row: the plugin.
        days: how many days of 24 hours; usage older than ``USAGE_HISTORY_DAYS`` is gone.
    """
    since = timezone.now() - timedelta(days=days)
    records = list(PluginUsageRecord.objects.using(database()).filter(plugin=row, hour__gte=since).order_by("hour"))
    called = [record for record in records if record.name != WHOLE]
    handlers = [_handler(name, found) for name, found in _grouped((record.name, record) for record in called)]
    hours = tuple(_hour(hour, found) for hour, found in _grouped((record.hour, record) for record in records))
    return UsageReport(
        plugin_id=row.plugin_id,
        since=since,
        total=_handler(WHOLE, called),
        handlers=tuple(sorted(handlers, key=lambda item: (-item.cpu_ms, item.name))),
        hours=hours,
        heap_bytes=next((hour.heap_bytes for hour in reversed(hours) if hour.heap_bytes is not None), None),
        storage_bytes=DatabaseStorage(row.plugin_id, 0).used_bytes(),
    )


def merged(records: Iterable[PluginUsageRecord]) -> Histogram:
    """Return the durations of several rows as one histogram."""
    found = Histogram()
    for record in records:
        found.merge(Histogram.from_dict(record.histogram))
    return found


def _grouped(pairs: Iterable[tuple[K, PluginUsageRecord]]) -> Iterable[tuple[K, list[PluginUsageRecord]]]:
    found: dict[K, list[PluginUsageRecord]] = {}
    for key, record in pairs:
        found.setdefault(key, []).append(record)
    return found.items()


def _handler(name: str, records: list[PluginUsageRecord]) -> HandlerUsage:
    durations = merged(records)
    return HandlerUsage(
        name=name,
        calls=sum(record.calls for record in records),
        errors=sum(record.errors for record in records),
        slow=sum(record.slow for record in records),
        skipped=sum(record.skipped for record in records),
        p50_ms=durations.percentile(50),
        p95_ms=durations.percentile(95),
        wall_ms=sum(record.wall_ms for record in records),
        cpu_ms=sum(record.cpu_ms for record in records),
    )


def _hour(hour: datetime, records: list[PluginUsageRecord]) -> HourUsage:
    heaps = [record.heap_bytes for record in records if record.heap_bytes is not None]
    return HourUsage(
        hour=hour,
        calls=sum(record.calls for record in records),
        errors=sum(record.errors for record in records),
        p95_ms=merged(records).percentile(95),
        cpu_ms=sum(record.cpu_ms for record in records),
        heap_bytes=max(heaps, default=None),
    )
