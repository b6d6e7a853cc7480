"""The rows of runs: made, taken by one worker, ended once, and thinned.

Every change of state is one conditional UPDATE, so of two workers one wins, and a run that was given up is not
written over by a worker that was only slow.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import TaskQueueUnsetError
from gridkit_django.models import InstalledPlugin, JobRunState, PluginJobRun
from gridkit_django.plugins.queue import plugin_queue
from gridkit_django.plugins.savepoints import database
from gridkit_django.typing import JSONObject, JSONValue, User

logger = logging.getLogger("gridkit_django.plugins")

DELAY_SECONDS_MAX = 86_400
RUNS_KEPT = 100
LOST = "job-lost"
UNREACHABLE = "task-queue-unreachable"

_OPEN = (JobRunState.QUEUED, JobRunState.RUNNING)
_GRACE = timedelta(minutes=1)
_QUEUED_AT_MOST = timedelta(seconds=2 * DELAY_SECONDS_MAX)
_RUNS_KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of a job, as it stands.

    Attributes:
        id: its id.
        job: name of the job.
        state: ``queued``, ``running``, ``finished`` or ``failed``.
        scheduled: whether it was started by its schedule.
        arguments: what it was started with.
        result: what the job returned, when it has finished.
        error_code: stable code of the reason why it failed.
        error_detail: the reason for people.
        requested_by: the name of the person who started it, empty for nobody.
        created_at: when it was asked for.
        started_at: when a worker took it.
        finished_at: when it ended.
    """

    id: str
    job: str
    state: str
    scheduled: bool
    arguments: Mapping[str, Any] = field(default_factory=dict)
    result: JSONValue = None
    error_code: str = ""
    error_detail: str = ""
    requested_by: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run that is asked for.

    Attributes:
        job: name of the job.
        arguments: checked arguments.
        generation: the least generation that the worker must have followed.
        scheduled: whether its schedule asks for it.
        user: the person who asks, or None.
        delay_seconds: how long to wait.
    """

    job: str
    arguments: JSONObject
    generation: int
    scheduled: bool = False
    user: User | None = None
    delay_seconds: int = 0


def add_run(plugin: InstalledPlugin, request: RunRequest) -> PluginJobRun:
    """Write a run down in the transaction under way, and let a worker have it after the commit."""
    run = PluginJobRun.objects.create(
        plugin=plugin,
        job=request.job,
        arguments=dict(request.arguments),
        scheduled=request.scheduled,
        generation=request.generation,
        requested_by=_author(request.user),
    )
    transaction.on_commit(partial(_send, run.pk, request.delay_seconds), using=database())
    return run


def _author(user: User | None) -> Any:
    return user if user is not None and user.is_authenticated else None


def _send(run_id: uuid.UUID, delay_seconds: int) -> None:
    """Hand a run to a worker; a queue that can't be reached is a failure of the run, told on its row."""
    try:
        plugin_queue().enqueue_job(run_id, delay_seconds)
    except Exception as error:  # whatever the queue's client raises, recorded on the run
        logger.exception("The job run %s could not be queued", run_id)
        reason = TaskQueueUnsetError.tell(error, "Start the job again")
        fail_run(run_id, UNREACHABLE, reason)


def find_run(run_id: uuid.UUID | str) -> PluginJobRun | None:
    """Return a run that nobody has taken, as the database knows it now; None when it is gone or taken."""
    runs = PluginJobRun.objects.using(database()).select_related("plugin", "requested_by")
    return runs.filter(pk=run_id, state=JobRunState.QUEUED).first()


def claim_run(run: PluginJobRun) -> bool:
    """Take a queued run for this worker; False when another one has it."""
    queued = PluginJobRun.objects.filter(pk=run.pk, state=JobRunState.QUEUED)
    return bool(queued.update(state=JobRunState.RUNNING, started_at=timezone.now()))


def finish_run(run_id: uuid.UUID | str, result: JSONValue) -> bool:
    """End a run well, with its result; False when it was given up meanwhile."""
    return _end(run_id, state=JobRunState.FINISHED, result=result)


def fail_run(run_id: uuid.UUID | str, code: str, detail: str) -> bool:
    """End a run that is not over yet as failed; False when it is over."""
    return _end(run_id, state=JobRunState.FAILED, error_code=code, error_detail=detail)


def _end(run_id: uuid.UUID | str, **values: Any) -> bool:
    still = PluginJobRun.objects.filter(pk=run_id, state__in=_OPEN)
    return bool(still.update(finished_at=timezone.now(), **values))


def is_under_way(plugin: InstalledPlugin, job: str) -> bool:
    """Whether a scheduled run of a job is queued or running."""
    runs = PluginJobRun.objects.using(database())
    return runs.filter(plugin=plugin, job=job, scheduled=True, state__in=_OPEN).exists()


def queued_runs(plugin: InstalledPlugin) -> int:
    """How many runs of a plugin wait for a worker."""
    return PluginJobRun.objects.using(database()).filter(plugin=plugin, state=JobRunState.QUEUED).count()


def end_lost_runs() -> int:
    """Fail the runs whose worker or message is gone, so that nobody waits for them; return how many."""
    now = timezone.now()
    longest = timedelta(seconds=settings().JOB_SECONDS_MAX) + _GRACE
    died = PluginJobRun.objects.filter(state=JobRunState.RUNNING, started_at__lt=now - longest)
    gone = PluginJobRun.objects.filter(state=JobRunState.QUEUED, created_at__lt=now - _QUEUED_AT_MOST)
    return sum(
        runs.update(state=JobRunState.FAILED, error_code=LOST, error_detail=reason, finished_at=now)
        for runs, reason in (
            (died, "Its worker ended, or it took longer than JOB_SECONDS_MAX and could not be stopped."),
            (gone, "No worker took it in time. Check that a Celery worker runs, and start the job again."),
        )
    )


def thin_runs() -> int:
    """Delete ended runs that are older than 30 days, and all but the newest hundred of a plugin; return how many."""
    ended = PluginJobRun.objects.exclude(state__in=_OPEN)
    deleted, _ = ended.filter(finished_at__lt=timezone.now() - _RUNS_KEPT_FOR).delete()
    for plugin in InstalledPlugin.objects.filter(job_runs__isnull=False).distinct():
        kept = list(plugin.job_runs.order_by("-created_at", "-pk").values_list("pk", flat=True)[:RUNS_KEPT])
        surplus = Q(plugin=plugin) & ~Q(pk__in=kept)
        deleted += ended.filter(surplus).delete()[0]
    return deleted


def describe_run(run: PluginJobRun) -> JobRun:
    """Return a run as plain values."""
    return JobRun(
        id=str(run.pk),
        job=run.job,
        state=str(JobRunState(run.state).value),
        scheduled=run.scheduled,
        arguments=run.arguments,
        result=run.result,
        error_code=run.error_code,
        error_detail=run.error_detail,
        requested_by=str(run.requested_by or ""),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
