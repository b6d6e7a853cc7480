"""The jobs of a plugin and their runs, as plain values for faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import OuterRef, Subquery

from gridkit_django.models import InstalledPlugin, PluginJobRun, PluginSchedule
from gridkit_django.plugins.job_runs import JobRun, describe_run
from gridkit_django.plugins.jobs import JobRuntime
from gridkit_django.typing import JSONObject

RUNS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class JobInfo:
    """One job of a plugin.

    Attributes:
        name: its name.
        label: a name for people.
        available: whether the plugin offers it in this process now, so that it can be started.
        schema: JSON Schema of its arguments; empty when it is not available.
        every_seconds: its interval, or None.
        cron: its crontab in the site's time zone, or empty.
        paused: whether an administrator paused its schedule.
        next_run_at: when its schedule starts it next; None without a schedule, and before a worker saw it.
        last_run_at: when its schedule started it last.
        last_run: its newest run, or None.
    """

    name: str
    label: str
    available: bool
    schema: JSONObject = field(default_factory=dict)
    every_seconds: int | None = None
    cron: str = ""
    paused: bool = False
    next_run_at: datetime | None = None
    last_run_at: datetime | None = None
    last_run: JobRun | None = None


def list_jobs(runtime: JobRuntime, plugin: InstalledPlugin) -> tuple[JobInfo, ...]:
    """Return the jobs that a plugin offers here, and those that it has a stored schedule for, by name."""
    rows = {row.job: row for row in plugin.schedules.all()}
    live = runtime.live.get(plugin.plugin_id)
    offered = {name: job for name, (job, _) in live.jobs.items()} if live is not None else {}
    last = _newest_runs(plugin)
    found = {name: _of_row(row, last.get(name)) for name, row in rows.items() if name not in offered}
    for name, job in offered.items():
        row, timing = rows.get(name), job.timing
        found[name] = JobInfo(
            name=name,
            label=job.label,
            available=True,
            schema=job.schema,
            every_seconds=timing.every_seconds if timing else None,
            cron=timing.cron if timing else "",
            paused=row is not None and not row.enabled,
            next_run_at=row.next_run_at if row else None,
            last_run_at=row.last_run_at if row else None,
            last_run=last.get(name),
        )
    return tuple(found[name] for name in sorted(found))


def list_runs(plugin: InstalledPlugin, job: str = "", limit: int = RUNS_SHOWN) -> tuple[JobRun, ...]:
    """Return the newest runs of a plugin, or of one of its jobs, newest first."""
    runs = plugin.job_runs.select_related("requested_by").order_by("-created_at", "-pk")
    return tuple(describe_run(run) for run in (runs.filter(job=job) if job else runs)[:limit])


def _newest_runs(plugin: InstalledPlugin) -> Mapping[str, JobRun]:
    same = PluginJobRun.objects.filter(plugin=plugin, job=OuterRef("job")).order_by("-created_at", "-pk")
    newest = PluginJobRun.objects.filter(plugin=plugin, pk=Subquery(same.values("pk")[:1]))
    return {run.job: describe_run(run) for run in newest.select_related("requested_by")}


def _of_row(row: PluginSchedule, last: JobRun | None) -> JobInfo:
    return JobInfo(
        name=row.job,
        label=row.label,
        available=False,
        every_seconds=row.every_seconds,
        cron=row.cron,
        paused=not row.enabled,
        next_run_at=row.next_run_at,
        last_run_at=row.last_run_at,
        last_run=last,
    )
