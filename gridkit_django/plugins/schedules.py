"""The schedules of jobs: rows kept in step with what plugins at work registered, and claimed when they are due.

The plugin says how often, the administrator may pause. A schedule whose plugin is not at work does nothing and stays.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import JobNotFoundError
from gridkit_django.grids.timing import Timing
from gridkit_django.models import DesiredState, InstalledPlugin, PluginSchedule
from gridkit_django.plugins.job_calls import RegisteredJob
from gridkit_django.plugins.job_runs import RunRequest, add_run, is_under_way
from gridkit_django.plugins.jobs import JobRuntime
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.savepoints import database

logger = logging.getLogger("gridkit_django.plugins")


def run_due_jobs(runtime: JobRuntime) -> int:
    """Start each job whose time has come, once, however often it was missed; return how many were started.

    Two callers at once start none twice. A job whose last scheduled run is still under way is left out until its next
    time, so that runs never pile up.
    """
    runtime.ensure_current()
    at_work = {key: live for key, live in runtime.live.items() if live.grants.allows(Permission.SCHEDULE_USE)}
    rows = {(row.plugin.plugin_id, row.job): row for row in _rows_of(at_work)}
    for plugin_id, live in at_work.items():
        _sync(live, {job: row for (owner, job), row in rows.items() if owner == plugin_id})
    now = timezone.now()
    return sum(_start_once(runtime, row, now) for row in _due(at_work, now))


def pause(plugin_id: str, job: str, *, paused: bool) -> None:
    """Stop or go on starting a job by its schedule; what was missed meanwhile is not made up for.

    Raises:
        JobNotFoundError: when the plugin has no schedule for this job.
    """
    with transaction.atomic(using=database()):
        rows = PluginSchedule.objects.using(database()).select_for_update(of=("self",))
        row = rows.filter(plugin__plugin_id=plugin_id, job=job).first()
        if row is None:
            raise JobNotFoundError(
                f"{plugin_id} has no schedule for a job {job!r}. It appears once a worker has seen the plugin at work."
            )
        if row.enabled is not paused:
            return
        row.enabled = not paused
        row.next_run_at = timing_of(row).next_after(timezone.now())
        row.save(update_fields=["enabled", "next_run_at"])
        verb = "plugin.pause_job" if paused else "plugin.resume_job"
        changes = {"enabled": [paused, not paused]}
        record(verb, target=Target.plugin(plugin_id), changes=changes, evidence={"job": job})


def timing_of(row: PluginSchedule) -> Timing:
    """Return the timing that a row stores."""
    return Timing(every_seconds=row.every_seconds, cron=row.cron)


def _rows_of(at_work: Mapping[str, LivePlugin]) -> Iterator[PluginSchedule]:
    rows = PluginSchedule.objects.using(database()).select_related("plugin")
    yield from rows.filter(plugin__plugin_id__in=list(at_work))


def _due(at_work: Mapping[str, LivePlugin], now: datetime) -> list[PluginSchedule]:
    rows = PluginSchedule.objects.using(database()).select_related("plugin")
    due = rows.filter(enabled=True, next_run_at__lte=now, plugin__desired_state=DesiredState.ACTIVE)
    found = due.filter(plugin__plugin_id__in=list(at_work)).order_by("next_run_at", "pk")
    return [row for row in found if row.job in at_work[row.plugin.plugin_id].jobs]


def _sync(live: LivePlugin, rows: Mapping[str, PluginSchedule]) -> None:
    """Write what the plugin registered, where it differs from what is stored.

    Only the newest object of a plugin has a say: an old one that goes on serving, because the new one failed, does not
    write over what the new one wrote elsewhere. A schedule that is not registered any more is deleted, unless it is
    paused: then the administrator's word is kept for when it comes back.
    """
    scheduled = {name: job for name, (job, _) in live.jobs.items() if job.timing is not None}
    new = [job for name, job in scheduled.items() if name not in rows]
    changed = [(rows[name], job) for name, job in scheduled.items() if name in rows and _differs(rows[name], job)]
    gone = [row.pk for name, row in rows.items() if name not in scheduled and row.enabled]
    if not (new or changed or gone):
        return
    with transaction.atomic(using=database()):
        newest = InstalledPlugin.objects.select_for_update().filter(plugin_id=live.plugin_id)
        row = newest.filter(revision=live.spec.revision).first()
        if row is None:
            return
        for job in new:
            PluginSchedule.objects.get_or_create(plugin=row, job=job.name, defaults=_stored(job))
        for schedule, job in changed:
            PluginSchedule.objects.filter(pk=schedule.pk).update(**_stored(job))
        PluginSchedule.objects.filter(pk__in=gone, enabled=True).delete()


def _differs(row: PluginSchedule, job: RegisteredJob) -> bool:
    return (timing_of(row), row.label) != (job.timing, job.label)


def _stored(job: RegisteredJob) -> dict[str, Any]:
    timing = job.timing or Timing()
    return {
        "label": job.label,
        "every_seconds": timing.every_seconds,
        "cron": timing.cron,
        "next_run_at": timing.next_after(timezone.now()),
    }


def _start_once(runtime: JobRuntime, row: PluginSchedule, now: datetime) -> bool:
    """Move the schedule on, if nobody did so before, and start its job, if the last run is over."""
    following = timing_of(row).next_after(row.next_run_at, now=now)
    with transaction.atomic(using=database()):
        mine = PluginSchedule.objects.filter(pk=row.pk, enabled=True, next_run_at=row.next_run_at)
        if not mine.update(next_run_at=following, last_run_at=now):
            return False
        if is_under_way(row.plugin, row.job):
            logger.warning("%s of %s is still under way, so it is not started again", row.job, row.plugin.plugin_id)
            return False
        add_run(row.plugin, RunRequest(row.job, {}, runtime.generation, scheduled=True))
    return True
