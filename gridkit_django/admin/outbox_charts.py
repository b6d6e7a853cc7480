"""What became of the messages of a channel, hour by hour: charts, and the same as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from gridkit_django.admin.charts import Chart, Point, bar_chart
from gridkit_django.models import OutboxChannel, OutboxHour
from gridkit_django.outbox.figures import NAMES, this_hour

HOURS = 48


def hour_charts(row: OutboxChannel) -> Mapping[str, Any]:
    """Return charts of the last two days, and the hours in which something happened, newest first.

    Args:
        row: the channel.
    """
    first = this_hour() - timedelta(hours=HOURS - 1)
    rows = OutboxHour.objects.filter(plugin_id=row.plugin_id, channel=row.name, hour__gte=first)
    known = {item.hour: item for item in rows}
    slots = [(first + timedelta(hours=number)) for number in range(HOURS)]
    hours = [known.get(start) or OutboxHour(hour=start, **dict.fromkeys(NAMES, 0)) for start in slots]
    lost: Callable[[OutboxHour], float] = lambda hour: hour.dead + hour.expired + hour.dropped  # noqa: E731
    charts: list[Chart] = [
        bar_chart(_("Delivered"), _points(hours, lambda hour: hour.delivered)),
        bar_chart(_("Tried again alone"), _points(hours, lambda hour: hour.again)),
        bar_chart(_("Not delivered: dead letters, expired, dropped"), _points(hours, lost, lost)),
    ]
    return {"charts": charts, "hours": [item for item in reversed(hours) if any(getattr(item, n) for n in NAMES)]}


def _points(
    hours: list[OutboxHour], value: Callable[[OutboxHour], float], bad: Callable[[OutboxHour], float] = lambda _hour: 0
) -> list[Point]:
    return [
        Point(date_format(timezone.localtime(hour.hour), "SHORT_DATETIME_FORMAT"), value(hour), bad(hour))
        for hour in hours
    ]
