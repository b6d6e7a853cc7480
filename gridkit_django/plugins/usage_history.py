"""Thinning usage: by hour and process for two days, then one row for each handler and day, then nothing."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import TruncDay

from gridkit_django.conf import settings
from gridkit_django.models import PluginUsageRecord
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.usage_report import merged

BY_HOUR_DAYS = 2
"""For so many whole days, besides the one under way, usage is kept by hour and process."""

JOINED = ""
"""What stands for the process in rows that were joined."""


def thin_usage(now: datetime | None = None) -> int:
    """Delete usage older than ``USAGE_HISTORY_DAYS``, and join what is older than two days to one row a day.

    Args:
        now: the moment to count from; None for now.

    Returns:
        How many rows became fewer.
    """
    now = now or datetime.now(UTC)
    records = PluginUsageRecord.objects.using(database())
    gone = records.filter(hour__lt=now - timedelta(days=settings().USAGE_HISTORY_DAYS)).delete()[0]
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    old = records.filter(hour__lt=midnight - timedelta(days=BY_HOUR_DAYS)).order_by()
    days = old.annotate(day=TruncDay("hour", tzinfo=UTC)).values_list("plugin_id", "day")
    loose = days.annotate(loose=Count("pk", filter=~Q(process=JOINED))).filter(loose__gt=0)
    return gone + sum(_join(plugin, day.date()) for plugin, day, _ in loose)


def _join(plugin: int, day: date) -> int:
    """Join one plugin's rows of a day by handler; how many rows became fewer.

    The rows are locked first: who joins them at the same moment waits, and then finds one row where there is nothing to
    join.
    """
    start = datetime.combine(day, time(), UTC)
    with transaction.atomic(using=database()):
        records = PluginUsageRecord.objects.using(database()).filter(plugin_id=plugin, hour__gte=start)
        found = list(records.filter(hour__lt=start + timedelta(days=1)).order_by("pk").select_for_update())
        by_name: dict[str, list[PluginUsageRecord]] = defaultdict(list)
        for record in found:
            by_name[record.name].append(record)
        records.filter(pk__in=[record.pk for record in found]).delete()
        records.bulk_create([_joined(plugin, name, start, parts) for name, parts in by_name.items()])
    return len(found) - len(by_name)


def _joined(plugin: int, name: str, start: datetime, parts: list[PluginUsageRecord]) -> PluginUsageRecord:
    return PluginUsageRecord(
        plugin_id=plugin,
        name=name,
        process=JOINED,
        hour=start,
        calls=sum(part.calls for part in parts),
        errors=sum(part.errors for part in parts),
        slow=sum(part.slow for part in parts),
        skipped=sum(part.skipped for part in parts),
        wall_ms=sum(part.wall_ms for part in parts),
        cpu_ms=sum(part.cpu_ms for part in parts),
        histogram=merged(parts).as_dict(),
        heap_bytes=max((part.heap_bytes for part in parts if part.heap_bytes is not None), default=None),
    )
