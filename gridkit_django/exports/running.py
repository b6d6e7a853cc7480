"""Running a job in a worker: the query is rebuilt as its owner, now; rows flow from one source into one writer."""

from __future__ import annotations

import io
import logging
import tempfile
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import BinaryIO

from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.events import Act, Actor, EventSource, acting, current_act
from gridkit_django.exceptions import AccessDeniedError, ExportCancelled, ExportError, GridKitError
from gridkit_django.exports.base import BaseExporter, ExportSheet
from gridkit_django.exports.creation import check_may_export
from gridkit_django.exports.files import delete_file, download_name, save_file
from gridkit_django.exports.guard import guard_columns, guard_rows
from gridkit_django.exports.jobs import claim, close, close_quietly, this_run
from gridkit_django.exports.picking import picked_by
from gridkit_django.exports.progress import Progress
from gridkit_django.exports.registry import exporters
from gridkit_django.exports.rows import RowSource
from gridkit_django.exports.sheets import grouped, make_sheet
from gridkit_django.grids.access import GridAccess, open_grid
from gridkit_django.grids.query import GridQuery
from gridkit_django.models import ExportJob, JobState

logger = logging.getLogger("gridkit_django.exports")


def run_export(job_id: uuid.UUID | str) -> None:
    """Carry out a queued job. Whatever happens is written on the job; nothing is raised.

    A job that is gone, cancelled, or in another worker's hands is left alone.

    Args:
        job_id: primary key of the job.
    """
    job = claim(job_id)
    if job is None:
        return
    actor = Actor.from_user(job.owner)
    sent = current_act()
    mine = sent if sent.correlation_id == job.correlation_id else Act()
    with acting(
        actor,
        EventSource.SYSTEM,
        correlation_id=job.correlation_id or None,
        metadata=dict(mine.metadata),
        impersonator=mine.impersonator,
    ):
        try:
            _produce(job)
        except ExportCancelled as error:
            _close(job, JobState.CANCELLED, error)
        except GridKitError as error:
            _close(job, JobState.FAILED, error)
        except Exception as error:
            logger.exception("Export job %s failed", job.pk)
            _close(job, JobState.FAILED, ExportError(f"The export failed ({type(error).__name__}). See the log."))


def _close(job: ExportJob, state: JobState, error: GridKitError) -> None:
    told = {"error_code": error.code, "error_detail": error.detail} if state == JobState.FAILED else {}
    try:
        close(job, state, only=this_run(job), **told)
    except Exception:
        logger.exception("The end of export job %s could not be told", job.pk)
        close_quietly(job, error.code, error.detail)


def _produce(job: ExportJob) -> None:
    access = _access(job)
    query = GridQuery.from_dict(job.query)
    exporter = exporters().get(job.format)()
    people = exporter.for_people and job.options.get("formatting", True) is not False
    source = RowSource(access, grouped(access, query) if people else query, labels=people)
    total = source.total(_limit(exporter))
    progress = Progress(job, total)
    sheet = make_sheet(job, access, source, total, people=people)
    with tempfile.TemporaryFile() as stream:
        _write(exporter, stream, sheet, source, progress)
        _deliver(job, exporter, stream, progress)


def _access(job: ExportJob) -> GridAccess:
    """Open the grid as the owner is now: rights that were lost since the request are lost for the job.

    Raises:
        AccessDeniedError: when the owner's account is disabled or may no longer export.
        GridNotFoundError: when the owner may no longer open the grid.
    """
    if not job.owner.is_active:
        raise AccessDeniedError("The account that asked for this export is disabled.")
    access = open_grid(job.grid, job.owner)
    check_may_export(access)
    return picked_by(access, job)


def _limit(exporter: BaseExporter) -> int:
    most = settings().EXPORT_ROWS_MAX
    return most if exporter.max_rows is None else min(most, exporter.max_rows)


def _write(exporter: BaseExporter, stream: BinaryIO, sheet: ExportSheet, source: RowSource, progress: Progress) -> None:
    guarded = exporter.formula_guard
    exporter.begin(stream, replace(sheet, columns=guard_columns(sheet.columns)) if guarded else sheet)
    try:
        for rows in source.take(chunk=exporter.chunk_rows):
            exporter.write(guard_rows(rows) if guarded else rows)
            progress.add(len(rows))
        exporter.finish()
    except BaseException:
        exporter.abort()
        raise


def _deliver(job: ExportJob, exporter: BaseExporter, stream: BinaryIO, progress: Progress) -> None:
    """Store the whole file, then end the job; a job that ended otherwise meanwhile leaves no file behind."""
    progress.check()
    size = stream.seek(0, io.SEEK_END)
    name = save_file(stream, exporter.extension)
    try:
        done = close(
            job,
            JobState.FINISHED,
            only=this_run(job),
            rows_done=progress.rows,
            rows_total=progress.rows,
            file_name=name,
            download_name=download_name(job, exporter.extension),
            content_type=exporter.content_type,
            size=size,
            expires_at=timezone.now() + timedelta(hours=settings().EXPORT_EXPIRY_HOURS),
        )
    except BaseException:
        delete_file(name)
        raise
    if not done:
        delete_file(name)
