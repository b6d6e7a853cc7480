"""What an owner may do with a job: look at it, stop it, fetch its file. Other people's jobs do not exist for them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from gridkit_django.audit import record
from gridkit_django.exceptions import ExportNotFoundError, ExportNotReadyError, GridNotFoundError, QueryError
from gridkit_django.exports.creation import check_may_export
from gridkit_django.exports.jobs import OPEN_STATES, close, target_of
from gridkit_django.exports.kept import clean_up
from gridkit_django.exports.picking import picked_by
from gridkit_django.exports.stored import StoredFile, gone
from gridkit_django.grids.access import open_grid
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rights import has_permission
from gridkit_django.grids.rows import compile_query
from gridkit_django.models import ExportJob, JobState
from gridkit_django.typing import User

CANCEL_ANY = "gridkit_django.change_exportjob"
"""The Django permission to stop anybody's export."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """A finished file.

    Attributes:
        job: its job, with ``download_name``, ``content_type`` and ``size``.
        file: opened for reading; the caller closes it.
    """

    job: ExportJob
    file: StoredFile


def get_job(job_id: uuid.UUID | str, user: User) -> ExportJob:
    """Return a job of ``user``.

    Raises:
        ExportNotFoundError: when there is no such job or it is somebody else's.
    """
    try:
        job = ExportJob.objects.filter(pk=job_id, owner_id=user.pk).first()
    except ValidationError:
        job = None
    if job is None or user.pk is None:
        raise ExportNotFoundError("There is no export with this id among yours.")
    return job


def cancel_export(job: ExportJob, user: User) -> ExportJob:
    """Stop a job: a queued one at once, a running one within one chunk of rows. A job that has ended stays as it is.

    Args:
        job: the job.
        user: its owner, or somebody with the right to stop anybody's export.

    Returns:
        The job as it is now.

    Raises:
        ExportNotFoundError: when the user has no business with this job.
    """
    if job.owner_id != user.pk and not has_permission(user, CANCEL_ANY):
        raise ExportNotFoundError("There is no export with this id among yours.")
    mine = ExportJob.objects.filter(pk=job.pk)
    if close(job, JobState.CANCELLED, only=mine.filter(state=JobState.QUEUED), cancel_requested=True):
        clean_up(job)
    else:
        mine.filter(state__in=OPEN_STATES).update(cancel_requested=True)
        job.refresh_from_db()
    return job


def ready_job(job_id: uuid.UUID | str, user: User) -> ExportJob:
    """Return a finished job whose file this user may have now.

    Raises:
        ExportNotFoundError: when there is no such job or it is somebody else's.
        ExportNotReadyError: when the job has no file yet, or none any more (then ``extra["expired"]`` is true).
        ExportNotReadyError: when the file has columns that the owner may not see any more.
        GridNotFoundError, AccessDeniedError: when the owner has lost the right to export this grid.
    """
    job = get_job(job_id, user)
    if job.state != JobState.FINISHED:
        raise ExportNotReadyError(f"This export is {job.state}, so it has no file.", extra={"state": str(job.state)})
    check_may_export(open_grid(job.grid, user))
    if not may_see_query(job, user):
        raise ExportNotReadyError(
            "The grid's columns have changed since this export was made. Ask for it again.", extra={"expired": True}
        )
    if _is_gone(job):
        raise gone()
    return job


def open_result(job_id: uuid.UUID | str, user: User, **evidence: str) -> ExportResult:
    """Open the file of a finished job; each download is recorded.

    Args:
        job_id: primary key of the job.
        user: its owner.
        evidence: further facts for the record, such as the ``part`` of the file that is fetched.

    Raises:
        ExportNotFoundError, ExportNotReadyError, GridNotFoundError, AccessDeniedError: as ``ready_job`` says.
        ExportNotReadyError: when the file is not as it was written; for changed bytes of the right number, the error
            comes while it is read, before the last block.
        ExportStorageError: when the storage can't be asked.
    """
    job = ready_job(job_id, user)
    file = StoredFile(job)
    facts = {"format": job.format, "size": job.size, **{key: text for key, text in evidence.items() if text}}
    record("export.download", target=target_of(job), grid=job.grid, evidence=facts)
    return ExportResult(job, file)


def may_see_query(job: ExportJob, user: User) -> bool:
    """Whether ``user`` may see every column that the job's question names, by the grid's own gate, as of now.

    A search names no column, yet which rows a file has tells what is in those that it looked into when it was made.
    """
    try:
        access = open_grid(job.grid, user)
        compile_query(picked_by(access, job), GridQuery.from_dict(job.query))
    except (GridNotFoundError, QueryError):
        return False
    return access.by_id.keys() >= set(job.plan.get("searched", ()))


def may_ask(grid_id: str, query: Mapping[str, Any], user: User) -> bool:
    """Whether ``user`` may ask a question of a grid, by the grid's own gate, as of now."""
    try:
        check_question(grid_id, query, user)
    except (GridNotFoundError, QueryError):
        return False
    return True


def check_question(grid_id: str, query: Mapping[str, Any], user: User) -> None:
    """Judge a question of a grid by the grid's own gate, as of now.

    Raises:
        GridNotFoundError: when the user may not open the grid.
        QueryError: when they may not ask the question, or it can't be understood.
    """
    compile_query(open_grid(grid_id, user), GridQuery.from_dict(query))


def _is_gone(job: ExportJob) -> bool:
    return not job.file_name or job.expires_at is None or job.expires_at <= timezone.now()
