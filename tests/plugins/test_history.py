"""Thinning health checks and usage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections

from gridkit_django.models import HealthCheckResult, InstalledPlugin, PluginUsageRecord
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.health_history import thin_health
from gridkit_django.plugins.histogram import Histogram
from gridkit_django.plugins.history import History
from gridkit_django.plugins.usage_history import JOINED, thin_usage
from gridkit_django.plugins.usage_report import usage_report

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)


@pytest.fixture
def row(db: None) -> InstalledPlugin:
    return InstalledPlugin.objects.create(plugin_id="p", source="object", source_ref="x")


def check(row: InstalledPlugin, ago: timedelta, status: str = "healthy") -> int:
    result = HealthCheckResult.objects.create(plugin=row, status=status, duration_ms=1)
    HealthCheckResult.objects.filter(pk=result.pk).update(checked_at=NOW - ago)
    return result.pk


def usage(row: InstalledPlugin, when: datetime, process: str = "h:1", name: str = "a", **values: Any) -> None:
    durations = Histogram()
    durations.add(1_000_000)
    PluginUsageRecord.objects.create(
        plugin=row, name=name, process=process, hour=when, histogram=durations.as_dict(), **values
    )


def test_checks_of_the_last_day_are_kept_and_older_ones_thinned_to_the_worst_of_the_hour(row: InstalledPlugin) -> None:
    other = InstalledPlugin.objects.create(plugin_id="q", source="object", source_ref="y")
    new = [check(row, timedelta(minutes=minutes)) for minutes in range(0, 60, 5)]
    old = [
        check(row, timedelta(days=2, minutes=minutes), status)
        for minutes, status in ((1, "healthy"), (2, "unhealthy"), (3, "unhealthy"), (4, "degraded"))
    ]
    well = [check(row, timedelta(days=2, hours=3, minutes=minutes)) for minutes in (1, 2)]
    alone = check(other, timedelta(days=2, minutes=1))
    check(row, timedelta(days=30, minutes=1), "unhealthy")
    assert thin_health(NOW) == 5
    assert set(HealthCheckResult.objects.values_list("pk", flat=True)) == {*new, old[2], well[1], alone}
    assert thin_health(NOW) == 0


def test_usage_older_than_two_days_is_joined_by_handler_and_day(row: InstalledPlugin, settings: Any) -> None:
    settings.GRIDKIT = {"USAGE_HISTORY_DAYS": 10}
    day = NOW.replace(hour=0, minute=0) - timedelta(days=3)
    usage(row, day.replace(hour=5), calls=2, errors=1, slow=1, skipped=1, wall_ms=4, cpu_ms=3)
    usage(row, day.replace(hour=5), "h:2", calls=3, wall_ms=1, cpu_ms=1)
    usage(row, day.replace(hour=23), calls=5, wall_ms=5, cpu_ms=5)
    usage(row, day.replace(hour=7), name="b", calls=1)
    usage(row, day.replace(hour=7), name="", heap_bytes=5)
    usage(row, day.replace(hour=8), name="", heap_bytes=4)
    usage(row, day + timedelta(days=1), calls=1)
    usage(row, NOW - timedelta(days=11), calls=1)
    assert thin_usage(NOW) == 4
    joined = PluginUsageRecord.objects.filter(process=JOINED)
    assert {item.name: (item.calls, item.heap_bytes, item.hour) for item in joined} == {
        "a": (10, None, day),
        "b": (1, None, day),
        "": (0, 5, day),
    }
    a = joined.get(name="a")
    assert (a.errors, a.slow, a.skipped, a.wall_ms, a.cpu_ms) == (1, 1, 1, 10, 9)
    assert len(Histogram.from_dict(a.histogram)) == 3
    assert PluginUsageRecord.objects.exclude(process=JOINED).get().hour == day + timedelta(days=1)
    assert thin_usage(NOW) == 0


def test_row_that_comes_late_joins_the_others_of_its_day(row: InstalledPlugin) -> None:
    day = NOW.replace(hour=0, minute=0) - timedelta(days=5)
    usage(row, day.replace(hour=5), calls=2)
    assert thin_usage(NOW) == 0
    usage(row, day.replace(hour=6), calls=3)
    assert thin_usage(NOW) == 1
    found = PluginUsageRecord.objects.get()
    assert (found.calls, found.process, found.hour) == (5, JOINED, day)


def test_joining_changes_no_sum(row: InstalledPlugin) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(10):
        usage(row, today - timedelta(days=4, hours=number), calls=number, cpu_ms=number)
    before = usage_report(row, 7)
    assert thin_usage() == 8
    after = usage_report(row, 7)
    assert (after.total, after.handlers) == (before.total, before.handlers)
    assert len(after.hours) == 2


def test_history_is_thinned_once_an_hour(row: InstalledPlugin, manager: PluginManager) -> None:
    history = History()
    assert (history.thin(), history.thin()) == (True, False)
    history._due_at = 0.0
    assert history.thin()
    manager.thin_history()


def test_two_that_join_at_the_same_moment_lose_and_double_nothing(row: InstalledPlugin) -> None:
    day = NOW.replace(hour=0, minute=0) - timedelta(days=4)
    for number in range(200):
        usage(row, day.replace(hour=number % 24), f"h:{number}", calls=1)
    threads = 1 if connection.vendor == "sqlite" else 4
    barrier = Barrier(threads)

    def thin() -> int:
        barrier.wait(30)
        try:
            return thin_usage(NOW)
        finally:
            if threads > 1:
                connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: thin(), range(threads))) if threads > 1 else thin()
    assert PluginUsageRecord.objects.get().calls == 200
