"""What a plugin used on this site: charts over time, and a table of its handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from gridkit_django.admin.charts import Chart, Point, bar_chart
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import HourUsage, plugin_manager

_SPANS: Mapping[int, timedelta] = MappingProxyType(
    {2: timedelta(hours=1), 7: timedelta(days=1), 30: timedelta(days=1), 90: timedelta(days=1)}
)
"""Days that can be shown, and how long one bar is: what is older than two days is stored by days."""

_DEFAULT = 2

_MEGABYTE = 1_000_000


def usage(request: HttpRequest, plugin: InstalledPlugin) -> Mapping[str, Any]:
    """Return the facts of the page of usage; ``days`` in the address chooses how far back."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked.isdecimal() and int(asked) in _SPANS else _DEFAULT
    report = plugin_manager().usage_report(plugin.plugin_id, days)
    slots = _slots(report.hours, timezone.now(), days)
    return {
        "report": report,
        "days": days,
        "spans": list(_SPANS),
        "charts": _charts(slots),
        "slots": [(start, _summed(hours)) for start, hours in reversed(slots) if hours],
        "here": plugin_manager().usage_of(plugin.plugin_id),
    }


Slot = tuple[datetime, Sequence[HourUsage]]


def _slots(hours: Sequence[HourUsage], now: datetime, days: int) -> list[Slot]:
    """Sort the hours into bars, from the oldest to the present; a bar without calls stays empty."""
    length = _SPANS[days]
    count = int(timedelta(days=days) / length)
    first = now - count * length
    found: list[list[HourUsage]] = [[] for _number in range(count)]
    for hour in hours:
        place = int((hour.hour - first) / length)
        found[min(max(place, 0), count - 1)].append(hour)
    return [(first + place * length, inside) for place, inside in enumerate(found)]


def _summed(hours: Sequence[HourUsage]) -> dict[str, float]:
    """Join the hours of one bar: counts are added up, of durations and heaps the largest is shown."""
    return {
        "calls": sum(hour.calls for hour in hours),
        "errors": sum(hour.errors for hour in hours),
        "p95_ms": max((hour.p95_ms for hour in hours), default=0.0),
        "cpu_ms": sum(hour.cpu_ms for hour in hours),
        "heap_mb": max((hour.heap_bytes or 0 for hour in hours), default=0) / _MEGABYTE,
    }


def _charts(slots: Sequence[Slot]) -> list[Chart]:
    sums = [(_label(start), _summed(hours)) for start, hours in slots]

    def points(value: str, bad: Callable[[dict[str, float]], float] = lambda _sum: 0.0) -> list[Point]:
        return [Point(label, found[value], bad(found)) for label, found in sums]

    return [
        bar_chart(_("Calls, those that failed in red"), points("calls", lambda found: found["errors"])),
        bar_chart(_("95 of 100 calls took at most"), points("p95_ms"), unit="ms", digits=2),
        bar_chart(_("Processor time"), points("cpu_ms"), unit="ms"),
        bar_chart(_("Heap, the largest of all processes"), points("heap_mb"), unit="MB", digits=2),
    ]


def _label(start: datetime) -> str:
    return date_format(timezone.localtime(start), "SHORT_DATETIME_FORMAT")
