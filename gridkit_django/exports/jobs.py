"""The states of a job: who may take it, how it ends, and what is told and recorded then.

Every change of state is one conditional UPDATE, so of two workers (or a worker and a person who cancels) one wins.
``fence`` is the number of the run: a worker whose job was taken from it matches no row any more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import router, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.conf import settings
from gridkit_django.events import event_bus, make_event
from gridkit_django.exceptions import ExportLostError
from gridkit_django.exports.limits import check_room
from gridkit_django.grids.locking import lock_user
from gridkit_django.models import ExportJob, JobState
from gridkit_django.typing import MutableJSONObject

OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)
LOST_AFTER = timedelta(hours=1)
"""When nobody has gone on with a job for so long after its worker's time ran out, nobody will."""


def database() -> str:
    """Return the alias of the database that holds the jobs."""
    return router.db_for_write(ExportJob)


def target_of(job: ExportJob) -> Target:
    """Describe a job for the audit trail."""
    return Target.export(job.pk, f"{job.grid} as {job.format}")


def this_run(job: ExportJob) -> QuerySet[ExportJob]:
    """Return the queryset that holds the job as long as it is still this worker's."""
    return ExportJob.objects.filter(pk=job.pk, state=JobState.RUNNING, fence=job.fence)


def close(job: ExportJob, state: JobState, *, only: QuerySet[ExportJob], **values: Any) -> bool:
    """End a job: state, ``export:finish`` and audit record in one transaction.

    Args:
        job: the job; it is read again.
        state: finished, failed or cancelled.
        only: end it only while it is in this queryset.
        values: more columns.

    Returns:
        Whether it was ended here; False when somebody else ended it before.

    Raises:
        ExportTooLargeError: when a finished file would be more than its owner may have stored.
    """
    using = database()
    is_stored = state == JobState.FINISHED
    with transaction.atomic(using=using):
        if is_stored:
            lock_user(job.owner_id, using)
        ended = {"stage": "", "lease_until": None, "retry_at": None, "finished_at": timezone.now()}
        if not only.update(state=state, **ended, **values):
            return False
        job.refresh_from_db()
        if is_stored:
            check_room(job)
        facts = _facts(job)
        record("export.finish", target=target_of(job), grid=job.grid, evidence=facts)
        event = make_event("export:finish", {"jobId": str(job.pk), **facts, "ms": _duration(job)}, grid=job.grid)
        event_bus().open(event, using=using).after()
    return True


def _duration(job: ExportJob) -> int | None:
    """Return the milliseconds from the request to the end."""
    return None if job.finished_at is None else max(0, round((job.finished_at - job.created_at).total_seconds() * 1000))


def close_quietly(job: ExportJob, code: str, detail: str) -> None:
    """Mark a job as failed, and nothing else: the way out when telling of the end fails itself."""
    told = {"error_code": code, "error_detail": detail, "file_name": "", "stage": "", "lease_until": None}
    this_run(job).update(state=JobState.FAILED, finished_at=timezone.now(), **told)


def fail_lost_jobs() -> int:
    """End jobs that nobody works on any more, and return how many.

    A running job is lost when its worker's time ran out and nobody went on with it for ``LOST_AFTER``; a queued one
    when it has waited as long as a file would be kept (``EXPORT_EXPIRY_HOURS``), counted from when it was asked for, or
    tried again, or its last worker gave a sign of life.
    """
    now = timezone.now()
    waited = now - timedelta(hours=settings().EXPORT_EXPIRY_HOURS)
    unseen = Q(seen_at=None) | Q(seen_at__lt=waited)
    forgotten = Q(state=JobState.QUEUED, created_at__lt=waited) & unseen
    lost = Q(state=JobState.RUNNING, lease_until__lt=now - LOST_AFTER) | forgotten
    return sum(_fail_lost(job, lost) for job in ExportJob.objects.filter(lost).order_by("created_at"))


def open_jobs(owner_id: Any) -> QuerySet[ExportJob]:
    """Return the queued and running jobs of a user."""
    return ExportJob.objects.filter(owner_id=owner_id, state__in=OPEN_STATES)


def describe_job(job: ExportJob) -> MutableJSONObject:
    """Return a job as it goes over the wire; the face adds the addresses of the job and of its result."""
    failed = {"code": job.error_code, "detail": job.error_detail} if job.error_code else None
    return {
        "id": str(job.pk),
        "grid": job.grid,
        "format": job.format,
        "state": str(job.state),
        "progress": job.progress,
        "rows": job.rows_done,
        "rowsTotal": job.rows_total,
        "stage": job.stage,
        "rate": job.rate,
        "secondsLeft": job.seconds_left,
        "queuePosition": queue_position(job),
        "attempts": job.attempts,
        "consistency": job.consistency,
        "createdAt": _moment(job.created_at),
        "startedAt": _moment(job.started_at),
        "finishedAt": _moment(job.finished_at),
        "expiresAt": _moment(job.expires_at),
        "size": job.size,
        "error": failed,
        "remarks": list(job.remarks),
        "name": job.download_name,
    }


def queue_position(job: ExportJob) -> int | None:
    """Return the place of a queued job among all that wait, 1 for the next one; None for a job that does not wait."""
    if job.state != JobState.QUEUED:
        return None
    return ExportJob.objects.filter(state=JobState.QUEUED, created_at__lt=job.created_at).count() + 1


def _fail_lost(job: ExportJob, lost: Q) -> bool:
    detail = "No worker gave a sign of life for this export. Ask for it again; if it stays so, check the workers."
    still = ExportJob.objects.filter(lost, pk=job.pk)
    return close(job, JobState.FAILED, only=still, error_code=ExportLostError.code, error_detail=detail)


def _facts(job: ExportJob) -> MutableJSONObject:
    facts: MutableJSONObject = {
        "format": job.format,
        "state": str(job.state),
        "rows": job.rows_done,
        "size": job.size,
    }
    return {**facts, "error": job.error_code} if job.error_code else facts


def _moment(value: Any) -> str | None:
    return None if value is None else value.isoformat()
