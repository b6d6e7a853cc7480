"""Figures of all plugins over the whole site, for monitoring: read from stored rows, so any process can answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from gridkit_django.models import (
    HealthCheckResult,
    InstalledPlugin,
    JobRunState,
    PluginJobRun,
    PluginStorageUsage,
    PluginUsageRecord,
)
from gridkit_django.plugins.histogram import Histogram
from gridkit_django.plugins.processes import living_processes
from gridkit_django.plugins.savepoints import database

_RECENT = timedelta(hours=2)
_COUNTED = ("calls", "errors", "slow", "skipped")


@dataclass(frozen=True, slots=True)
class CallTotals:
    """What all processes counted since a moment.

    Attributes:
        calls: calls of handlers, methods and jobs.
        errors: those that raised.
        slow: those over their budget.
        skipped: those that were left out because the handler was too slow before.
        wall_seconds: wall time of all.
        cpu_seconds: processor time of all.
        durations: calls by duration.
    """

    calls: int = 0
    errors: int = 0
    slow: int = 0
    skipped: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    durations: Histogram = field(default_factory=Histogram)


@dataclass(frozen=True, slots=True)
class PluginFigures:
    """One installed plugin.

    Attributes:
        plugin_id: which.
        version: the version in use.
        wanted: whether it is wanted active.
        state: what is the case.
        totals: what was counted since midnight UTC.
        heap_bytes: the largest Python heap that a process measured lately, or None.
        storage_bytes: the size of its storage.
        health: the newest verdict, empty when it was never checked.
        processes: how many living processes run it in the revision that is wanted.
        revision: the revision that is wanted.
        jobs: runs of its jobs that are queued or running, by state.
    """

    plugin_id: str
    version: str
    wanted: bool
    state: str
    totals: CallTotals
    heap_bytes: int | None
    storage_bytes: int
    health: str
    processes: int
    revision: int
    jobs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """The whole site at one moment.

    Attributes:
        generation: the generation in the database.
        processes: living processes by kind.
        behind: how many of them follow an older generation.
        safe_mode: how many of them run no plugins on purpose.
        plugins: the installed plugins, by id.
    """

    generation: int
    processes: Mapping[str, int]
    behind: int
    safe_mode: int
    plugins: tuple[PluginFigures, ...]


def site_figures(generation: int) -> SiteFigures:
    """Return the figures of now, in a fixed number of queries.

    Calls are counted from midnight UTC, so that old rows can be thinned: a sum over all rows would shrink with them,
    which a counter must not. Each process stores what it counted every minute or so; what it did not store yet is
    missing here.

    Args:
        generation: the generation in the database.
    """
    processes = living_processes()
    return SiteFigures(
        generation=generation,
        processes=Counter(process.kind for process in processes),
        behind=sum(process.generation < generation for process in processes),
        safe_mode=sum(process.safe_mode for process in processes),
        plugins=_plugins([process.plugins for process in processes]),
    )


def _plugins(running: list[Mapping[str, int]]) -> tuple[PluginFigures, ...]:
    totals, heaps, health, jobs = _totals(), _heaps(), _health(), _jobs()
    storage = dict(PluginStorageUsage.objects.using(database()).values_list("plugin_id", "used_bytes"))
    rows = InstalledPlugin.objects.using(database()).select_related("current_version").order_by("plugin_id")
    return tuple(
        PluginFigures(
            plugin_id=row.plugin_id,
            version=row.current_version.version if row.current_version else "",
            wanted=row.desired_state == "active",
            state=str(row.effective_state),
            totals=totals.get(row.pk, CallTotals()),
            heap_bytes=heaps.get(row.pk),
            storage_bytes=storage.get(row.pk, 0),
            health=health.get(row.pk, ""),
            processes=sum(plugins.get(row.plugin_id) == row.revision for plugins in running),
            revision=row.revision,
            jobs=jobs[row.pk],
        )
        for row in rows
    )


def _totals() -> dict[int, CallTotals]:
    """Add up what was counted since midnight UTC; the row without a name is about the plugin as a whole."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    records = PluginUsageRecord.objects.using(database()).filter(hour__gte=midnight).exclude(name="")
    sums = records.values("plugin_id").annotate(
        **{name: Sum(name) for name in _COUNTED}, wall=Sum("wall_ms"), cpu=Sum("cpu_ms")
    )
    durations = _durations(records.order_by().values_list("plugin_id", "histogram"))
    return {row["plugin_id"]: _total(row, durations[row["plugin_id"]]) for row in sums.order_by()}


def _durations(rows: Iterable[tuple[int, Any]]) -> dict[int, Histogram]:
    found: dict[int, Histogram] = defaultdict(Histogram)
    for plugin, counts in rows:
        found[plugin].merge(Histogram.from_dict(counts))
    return found


def _total(row: Mapping[str, Any], durations: Histogram) -> CallTotals:
    counts = {name: row[name] for name in _COUNTED}
    return CallTotals(**counts, wall_seconds=row["wall"] / 1000, cpu_seconds=row["cpu"] / 1000, durations=durations)


def _heaps() -> dict[int, int]:
    records = PluginUsageRecord.objects.using(database()).filter(hour__gte=timezone.now() - _RECENT)
    found = records.filter(heap_bytes__isnull=False).order_by().values("plugin_id").annotate(most=Max("heap_bytes"))
    return {row["plugin_id"]: row["most"] for row in found}


def _health() -> dict[int, str]:
    results = HealthCheckResult.objects.using(database())
    newest = results.order_by().values("plugin_id").annotate(newest=Max("pk")).values("newest")
    return dict(results.filter(pk__in=newest).values_list("plugin_id", "status"))


def _jobs() -> dict[int, dict[str, int]]:
    open_runs = Q(state__in=(JobRunState.QUEUED, JobRunState.RUNNING))
    runs = PluginJobRun.objects.using(database()).filter(open_runs).order_by()
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for plugin, state, count in runs.values_list("plugin_id", "state").annotate(count=Count("pk")):
        found[plugin][state] = count
    return found
