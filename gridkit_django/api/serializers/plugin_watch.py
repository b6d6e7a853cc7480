"""What plugins use, how they are, and which processes run them, on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from gridkit_django.api.serializers.bodies import ResponseBody
from gridkit_django.api.serializers.plugins import PluginHealthReport
from gridkit_django.models import PluginPermissionGrant
from gridkit_django.plugins import Convergence, ProcessInfo
from gridkit_django.plugins.usage_report import HandlerUsage, UsageReport


class CallUsage(ResponseBody):
    """What calls of a plugin's code did."""

    name: str
    """The handler, method or job; empty for all together."""
    calls: int
    errors: int
    slow: int
    """Calls that took longer than the budget."""
    skipped: int
    """Calls that were left out, because those before were too slow."""
    p50_ms: float
    p95_ms: float
    wall_ms: float
    cpu_ms: float


class HourlyUsage(ResponseBody):
    """What a plugin did in one hour; in one day, where that was joined already."""

    hour: datetime
    calls: int
    errors: int
    p95_ms: float
    cpu_ms: float
    heap_bytes: int | None


class PluginUsageReport(ResponseBody):
    """What a plugin used on the whole site. What a process did not store yet is missing."""

    since: datetime
    total: CallUsage
    handlers: list[CallUsage]
    """The one with the most processor time first."""
    hours: list[HourlyUsage]
    """Oldest first; hours in which nothing happened are left out."""
    heap_bytes: int | None
    storage_bytes: int


class PluginHealthPage(ResponseBody):
    """A page of health checks, newest first."""

    results: list[PluginHealthReport]
    next: str | None
    previous: str | None


class ProcessEntry(ResponseBody):
    """A living process of this site, as it last reported itself."""

    host: str
    pid: int
    kind: str
    generation: int
    revision: int | None
    """The revision of the plugin that is at work there; null when it is not."""
    safe_mode: bool
    last_error: str
    """Why it does not run what is wanted; empty when all is well."""
    seen_at: datetime


class PluginConvergence(ResponseBody):
    """How far the processes are with a plugin."""

    revision: int | None
    """The revision that is wanted; null when no process is to run it."""
    converged: bool
    """Whether every living process does what is wanted."""
    on: list[ProcessEntry]
    behind: list[ProcessEntry]


class PermissionRequestEntry(ResponseBody):
    """A permission that a plugin asked for at run time, and that nobody decided about."""

    plugin: str
    permission: str
    reason: str
    """The plugin's words."""
    requested_at: datetime
    url: str


class PermissionRequestList(ResponseBody):
    """The requests of the plugins that you have any right on, oldest first."""

    results: list[PermissionRequestEntry]


def usage_body(report: UsageReport) -> dict[str, Any]:
    """Return what a plugin used."""
    hours = [
        HourlyUsage(
            hour=item.hour,
            calls=item.calls,
            errors=item.errors,
            p95_ms=item.p95_ms,
            cpu_ms=item.cpu_ms,
            heap_bytes=item.heap_bytes,
        )
        for item in report.hours
    ]
    return PluginUsageReport(
        since=report.since,
        total=_calls(report.total),
        handlers=[_calls(item) for item in report.handlers],
        hours=hours,
        heap_bytes=report.heap_bytes,
        storage_bytes=report.storage_bytes,
    ).to_wire()


def convergence_body(found: Convergence) -> dict[str, Any]:
    """Return which processes run a plugin as it is wanted."""
    return PluginConvergence(
        revision=found.revision,
        converged=not found.behind,
        on=_processes(found.on),
        behind=_processes(found.behind),
    ).to_wire()


def request_entry(found: PluginPermissionGrant, url: str) -> dict[str, Any]:
    """Return a request that nobody decided about."""
    return PermissionRequestEntry(
        plugin=found.plugin.plugin_id,
        permission=found.permission,
        reason=found.reason,
        requested_at=found.decided_at,
        url=url,
    ).to_wire()


def _calls(found: HandlerUsage) -> CallUsage:
    return CallUsage(
        name=found.name,
        calls=found.calls,
        errors=found.errors,
        slow=found.slow,
        skipped=found.skipped,
        p50_ms=found.p50_ms,
        p95_ms=found.p95_ms,
        wall_ms=found.wall_ms,
        cpu_ms=found.cpu_ms,
    )


def _processes(found: Iterable[ProcessInfo]) -> list[ProcessEntry]:
    return [
        ProcessEntry(
            host=item.host,
            pid=item.pid,
            kind=item.kind,
            generation=item.generation,
            revision=item.revision,
            safe_mode=item.safe_mode,
            last_error=item.last_error,
            seen_at=item.seen_at,
        )
        for item in found
    ]
