"""The reports of a plugin: what it tells about a span of days, drawn as charts with a table beside each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

from gridkit_django.admin.charts import Chart, Point, bar_chart
from gridkit_django.exceptions import PluginReportError
from gridkit_django.grids import open_grids
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import Report, ReportInfo, plugin_manager

_DAYS = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a ranking.

    Attributes:
        label: what it is about.
        value: how much.
        note: more about it.
        share: how long its bar is, 0 to 100.
    """

    label: str
    value: float
    note: str
    share: float


@dataclass(frozen=True, slots=True)
class Shown:
    """One part of a report, ready for the template.

    Attributes:
        part: what the plugin returned.
        chart: for a series.
        lines: for a ranking.
    """

    part: Any
    chart: Chart | None = None
    lines: tuple[Line, ...] = ()


def reports(request: HttpRequest, plugin: InstalledPlugin) -> Mapping[str, Any]:
    """Return the facts of the page of reports; ``report``, ``since``, ``until`` and ``grid`` choose what is told."""
    found = plugin_manager().list_reports(plugin.plugin_id)
    chosen = _chosen(found, request.GET.get("report", ""))
    until = _day(request.GET.get("until", ""), timezone.localdate())
    since = _day(request.GET.get("since", ""), until - timedelta(days=_DAYS - 1))
    grid = request.GET.get("grid") or None
    parts, fault = _answered(request, plugin, chosen, (since, until), grid) if chosen else ((), "")
    return {
        "reports": found,
        "report": chosen,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "grid": grid,
        "grids": [(access.grid_id, str(access.options.label)) for access in open_grids(request.user)],
        "parts": parts,
        "fault": fault,
    }


def has_reports(plugin: InstalledPlugin) -> bool:
    """Whether the plugin offers reports now."""
    return bool(plugin_manager().list_reports(plugin.plugin_id))


def _answered(
    request: HttpRequest, plugin: InstalledPlugin, report: ReportInfo, days: tuple[date, date], grid: str | None
) -> tuple[tuple[Shown, ...], str]:
    """Return the parts of the report, and what went wrong."""
    try:
        answer = plugin_manager().run_report(
            plugin.plugin_id, report.name, since=days[0], until=days[1], grid=grid, user=request.user
        )
    except PluginReportError as error:
        return (), error.detail
    return _shown(answer), ""


def _shown(report: Report) -> tuple[Shown, ...]:
    found = []
    for part in report.parts:
        if part.kind == "series":
            points = [Point(item.label, item.value) for item in part.points]
            found.append(Shown(part, chart=bar_chart(part.title, points, unit=part.unit)))
        elif part.kind == "ranking":
            most = max((item.value for item in part.points), default=0) or 1
            lines = (Line(item.label, item.value, item.note, round(100 * item.value / most, 2)) for item in part.points)
            found.append(Shown(part, lines=tuple(lines)))
        else:
            found.append(Shown(part))
    return tuple(found)


def _chosen(found: tuple[ReportInfo, ...], name: str) -> ReportInfo | None:
    return next((item for item in found if item.name == name), found[0] if found else None)


def _day(text: str, otherwise: date) -> date:
    """Return the day that was asked for; a text that is none stands for the usual one."""
    try:
        return parse_date(text) or otherwise
    except ValueError:
        return otherwise
