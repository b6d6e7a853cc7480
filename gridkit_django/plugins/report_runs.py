"""Reports of plugins: registered by the plugin, asked for by an administrator, judged before they are shown."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pydantic import ValidationError

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginError, PluginLimitError, PluginReportError, PluginStateError
from gridkit_django.grids import open_grids
from gridkit_django.plugins.backend import Unsubscribe
from gridkit_django.plugins.job_calls import JobStats
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.plain_data import plain_copy
from gridkit_django.plugins.report_calls import RegisteredReport, Report, ReportCall
from gridkit_django.plugins.serving import serves
from gridkit_django.plugins.stats import describe
from gridkit_django.typing import User

logger = logging.getLogger("gridkit_django.plugins")

REPORTS_MAX = 20
LABEL_LENGTH_MAX = 200
DAYS_MAX = 366

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class ReportRuntime(Protocol):
    """What reports need of the runtime."""

    @property
    def live(self) -> Mapping[str, LivePlugin]:
        """The plugins at work in this process."""
        ...


@dataclass(frozen=True, slots=True)
class ReportInfo:
    """A report that can be asked for.

    Attributes:
        name: its name.
        label: for people.
    """

    name: str
    label: str


def register(live: LivePlugin, report: RegisteredReport) -> Unsubscribe:
    """Add a report to a plugin, and return a function that takes it away.

    Raises:
        PluginError: for a name or a label that is wrong.
        PluginStateError: when the plugin has a report of this name.
        PluginLimitError: over ``REPORTS_MAX`` reports.
    """
    if not _NAME.fullmatch(report.name):
        raise PluginError(f"{report.name!r} is no report name: small letters, digits, '-' and '_', a letter first.")
    if not 1 <= len(report.label) <= LABEL_LENGTH_MAX:
        raise PluginError(f"The label of the report {report.name!r} has 1 to {LABEL_LENGTH_MAX} characters.")
    if report.name in live.reports:
        raise PluginStateError(f"{live.plugin_id} has a report {report.name!r} already. Choose another name.")
    if len(live.reports) >= REPORTS_MAX:
        raise PluginLimitError(f"{live.plugin_id} has {REPORTS_MAX} reports, the most that a plugin may have.")
    live.reports = {**live.reports, report.name: (report, JobStats(f"report {report.name}"))}

    def remove() -> None:
        live.reports = {name: entry for name, entry in live.reports.items() if entry[0] is not report}

    return remove


def list_reports(runtime: ReportRuntime, plugin_id: str) -> tuple[ReportInfo, ...]:
    """Return the reports of a plugin at work in this process, in the order in which it registered them."""
    live = runtime.live.get(plugin_id)
    if live is None or not live.grants.allows(Permission.REPORTS_REGISTER):
        return ()
    return tuple(ReportInfo(report.name, report.label) for report, _ in live.reports.values())


def run_report(
    runtime: ReportRuntime, plugin_id: str, name: str, days: tuple[date, date], grid: str | None, user: User
) -> Report:
    """Ask a plugin for a report.

    Args:
        runtime: the runtime of this process.
        plugin_id: the plugin.
        name: the report.
        days: the first and the last day.
        grid: id of the one grid that it is about; None for all that the user may open and the plugin serves.
        user: who asks.

    Raises:
        PluginReportError: when there is none of this name, the question makes no sense, the plugin's code raised, or
            it returned something that can't be shown.
    """
    live = runtime.live.get(plugin_id)
    entry = None if live is None else live.reports.get(name)
    if live is None or entry is None or not live.grants.allows(Permission.REPORTS_REGISTER):
        raise PluginReportError(f"{plugin_id} has no report {name!r} now.")
    call = _call(plugin_id, name, days, grid, user)
    report, stats = entry
    try:
        parts = live.call(report.handler, stats, call)
    except (Exception, SystemExit) as error:
        logger.exception("report %s of %s failed", name, plugin_id)
        raise PluginReportError(f"The report failed: {describe(error)}.") from error
    return _checked(name, parts)


def _call(plugin_id: str, name: str, days: tuple[date, date], grid: str | None, user: User) -> ReportCall:
    """Return the question, with what the user may see.

    Raises:
        PluginReportError: when the days or the grid make no sense.
    """
    since, until = days
    if not 0 <= (until - since).days < DAYS_MAX:
        raise PluginReportError(f"A report is about 1 to {DAYS_MAX} days, the first of them first.")
    found = [access for access in open_grids(user) if serves(plugin_id, access.grid_id)]
    columns = {access.grid_id: {column.id: str(column.label) for column in access.columns} for access in found}
    if grid is not None and grid not in columns:
        raise PluginReportError(f"There is no grid {grid!r} for this report.")
    labels = {access.grid_id: str(access.options.label) for access in found}
    return ReportCall(name, since, until, grid, columns, labels)


def _checked(name: str, parts: object) -> Report:
    """Return what a handler returned as a report.

    Raises:
        PluginReportError: when it is none, or too large.
    """
    try:
        return Report.model_validate({"parts": plain_copy(parts, settings().VALUE_BYTES_MAX)})
    except ValidationError as error:
        faults = "; ".join(f"{'/'.join(map(str, item['loc'][1:]))}: {item['msg']}" for item in error.errors()[:5])
        raise PluginReportError(f"The report {name!r} can't be shown ({faults}).") from error
    except (ValueError, OverflowError) as error:
        raise PluginReportError(f"The report {name!r} can't be shown: {error}.") from error
