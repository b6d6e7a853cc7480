"""Taking a job: one worker at a time, within the limits, and not for ever again."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import ExportLostError
from gridkit_django.exports.jobs import close, database
from gridkit_django.exports.leases import lease_time
from gridkit_django.models import ExportJob, JobStage, JobState

DEATHS_MAX = 2
"""Workers that may be lost over one segment: what killed two would kill the third."""

_LOCK = "SELECT pg_advisory_xact_lock(1735081331, hashtext('exports ' || current_schema()))"


def claim(job_id: uuid.UUID | str) -> ExportJob | None:
    """Take a job that waits, or whose worker is gone, for this worker.

    None when it is gone, ended, in a living worker's hands, or waits: for its next try, or for others to end
    (``EXPORT_RUNNING_PER_USER``, ``EXPORT_RUNNING_MAX``). A job whose workers died over the same segment ends here.
    """
    lease = lease_time()
    now = timezone.now()
    with transaction.atomic(using=database()):
        held = _hold(job_id)
        if held is None:
            return None
        if _is_lost(held, now):
            return _take_over(held, now + lease)
        if held.state != JobState.QUEUED or (held.retry_at is not None and held.retry_at > now):
            return None
        if _must_wait(held):
            ExportJob.objects.filter(pk=held.pk).update(handed_at=None)
            return None
        return _take(held, now + lease)


def running() -> QuerySet[ExportJob]:
    """Return the jobs that take up a place among those that may run at once."""
    return ExportJob.objects.filter(state=JobState.RUNNING)


def _hold(job_id: uuid.UUID | str) -> ExportJob | None:
    """Lock the job, and the counting of running jobs, until the transaction ends.

    The first statement is a write that changes nothing: where a database has no row locks, that locks it whole.
    """
    row = ExportJob.objects.filter(pk=job_id)
    if not row.update(fence=F("fence")):
        return None
    connection = connections[database()]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
    return row.select_related("owner").first()


def _is_lost(job: ExportJob, now: datetime) -> bool:
    return job.state == JobState.RUNNING and (job.lease_until is None or job.lease_until < now)


def _must_wait(job: ExportJob) -> bool:
    most = settings()
    busy = running()
    if busy.count() >= most.EXPORT_RUNNING_MAX:
        return True
    return busy.filter(owner_id=job.owner_id).count() >= most.EXPORT_RUNNING_PER_USER


def _take_over(job: ExportJob, until: datetime) -> ExportJob | None:
    """Go on with what a lost worker began, unless that is hopeless."""
    deaths = job.deaths + 1
    if deaths < DEATHS_MAX and job.attempts < settings().EXPORT_ATTEMPTS_MAX:
        return _take(job, until, deaths=deaths)
    detail = (
        f"{job.attempts} workers began this export and were lost, the last ones at the same place. Narrow it down, or "
        "ask an administrator to look why (memory is the usual reason), and try it again."
    )
    same = ExportJob.objects.filter(pk=job.pk, state=JobState.RUNNING, fence=job.fence)
    close(job, JobState.FAILED, only=same, deaths=deaths, error_code=ExportLostError.code, error_detail=detail)
    return None


def _take(job: ExportJob, until: datetime, **values: Any) -> ExportJob:
    now = timezone.now()
    begun = {"started_at": job.started_at or now, "seen_at": now, "lease_until": until, "handed_at": None}
    taken = {"state": JobState.RUNNING, "stage": JobStage.PLANNING, "fence": job.fence + 1, "retry_at": None}
    values |= {**begun, **taken, "attempts": job.attempts + 1, "error_code": "", "error_detail": ""}
    ExportJob.objects.filter(pk=job.pk).update(**values)
    for name, value in values.items():
        setattr(job, name, value)
    return job
