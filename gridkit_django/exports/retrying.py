"""Trying again: by itself after trouble that may pass, by hand after other ends, with the segments that are there."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from gridkit_django.audit import record
from gridkit_django.conf import settings
from gridkit_django.exceptions import ExportLimitError, ExportNotFoundError, ExportStorageError, GridKitError
from gridkit_django.exports.creation import check_may_export
from gridkit_django.exports.jobs import database, open_jobs, target_of, this_run
from gridkit_django.exports.waiting import hand_over
from gridkit_django.grids.access import open_grid
from gridkit_django.grids.locking import lock_user
from gridkit_django.grids.rights import has_permission
from gridkit_django.models import ExportJob, JobState
from gridkit_django.typing import User

logger = logging.getLogger("gridkit_django.exports")

RETRY_ANY = "gridkit_django.change_exportjob"
"""The Django permission to try anybody's export again."""

BACK_OFF_SECONDS = (5, 30, 120)
"""How long a job waits after the first, second and third failure at the same place; the next one is the end."""


def may_pass(error: BaseException) -> bool:
    """Whether it is trouble of the database or the storage, which may be over later."""
    return isinstance(error, (OperationalError, InterfaceError, ExportStorageError))


def try_later(job: ExportJob, error: BaseException) -> bool:
    """Let a job that met passing trouble wait for its next try.

    Args:
        job: the job of this worker.
        error: what it met.

    Returns:
        Whether it waits; False when it has been tried often enough.
    """
    job.refresh_from_db(fields=["tries"])
    if job.tries >= len(BACK_OFF_SECONDS) or job.attempts >= settings().EXPORT_ATTEMPTS_MAX:
        return False
    delay = timedelta(seconds=BACK_OFF_SECONDS[job.tries])
    detail = error.detail if isinstance(error, GridKitError) else f"The database failed ({type(error).__name__})."
    logger.warning("Export job %s is tried again in %s: %s", job.pk, delay, detail)
    return _give_back(job, retry_at=timezone.now() + delay, tries=job.tries + 1, error_detail=detail)


def give_back(job: ExportJob) -> None:
    """Let another worker go on with a job whose worker has to end now."""
    _give_back(job)


def retry_export(job: ExportJob, user: User) -> ExportJob:
    """Try a job again that failed or was cancelled. Segments that are still there are not made anew.

    Args:
        job: the job.
        user: its owner, or somebody with the right to change anybody's export.

    Returns:
        The job as it is now; one that did not fail stays as it is.

    Raises:
        ExportNotFoundError: when the user has no business with this job.
        GridNotFoundError, AccessDeniedError: when the owner has lost the right to export this grid.
        ExportLimitError: when the owner has as many exports under way as one user may have.
    """
    if job.owner_id != user.pk and not has_permission(user, RETRY_ANY):
        raise ExportNotFoundError("There is no export with this id among yours.")
    check_may_export(open_grid(job.grid, job.owner))
    using = database()
    with transaction.atomic(using=using):
        lock_user(job.owner_id, using)
        ended = ExportJob.objects.filter(pk=job.pk, state__in=(JobState.FAILED, JobState.CANCELLED))
        fresh = {"attempts": 0, "tries": 0, "deaths": 0, "error_code": "", "error_detail": ""}
        asked = {"cancel_requested": False, "finished_at": None, "expires_at": None, "retry_at": None}
        if ended.update(state=JobState.QUEUED, handed_at=None, seen_at=timezone.now(), **fresh, **asked):
            limit = settings().EXPORT_JOBS_PER_USER
            if open_jobs(job.owner_id).count() > limit:
                raise ExportLimitError(f"{limit} exports are queued or running, the most that one user may have.")
            record("export.retry", target=target_of(job), grid=job.grid, evidence={"format": job.format})
            transaction.on_commit(lambda: hand_over(job.pk) and None, using=using)
    job.refresh_from_db()
    return job


def _give_back(job: ExportJob, **values: object) -> bool:
    waiting = {"state": JobState.QUEUED, "stage": "", "lease_until": None, "handed_at": None}
    return bool(this_run(job).update(**waiting, **values))
