"""Carrying out a job in a worker: taken, followed, written, ended one way or another, cleaned up behind."""

from __future__ import annotations

import logging
import uuid
from contextlib import nullcontext
from datetime import timedelta

from django.db import connections
from django.utils import timezone, translation
from django.utils.translation import get_language

from gridkit_django.conf import settings
from gridkit_django.events import Act, Actor, EventSource, acting, current_act
from gridkit_django.exceptions import (
    AccessDeniedError,
    ExportCancelled,
    ExportChangedError,
    ExportError,
    ExportLostError,
    GridKitError,
    GridNotFoundError,
    QueryError,
    QueryNotComputableError,
    QueryTooSlowError,
)
from gridkit_django.exports.claiming import claim
from gridkit_django.exports.files import delete_file, download_name
from gridkit_django.exports.jobs import close, close_quietly, this_run
from gridkit_django.exports.kept import KeptSegments, clean_up, forget_segments
from gridkit_django.exports.limits import bytes_for
from gridkit_django.exports.planning import Plan, make_plan
from gridkit_django.exports.progress import taken
from gridkit_django.exports.retrying import give_back, may_pass, try_later
from gridkit_django.exports.scratch import ScratchFile, Workshop
from gridkit_django.exports.waiting import hand_waiting
from gridkit_django.exports.watching import Watch
from gridkit_django.exports.writing import FileWriter
from gridkit_django.models import Consistency, ExportJob, JobState

logger = logging.getLogger("gridkit_django.exports")

_USELESS = (ExportChangedError, AccessDeniedError, GridNotFoundError, QueryError)
"""Ends after which nobody may have, or go on with, what is kept: the owner lost a right, or all has changed."""

_COMPUTING = (QueryNotComputableError, QueryTooSlowError)
"""Questions that the owner may ask, and that the database did not answer."""


def run_export(job_id: uuid.UUID | str) -> None:
    """Carry out a job that waits, or go on with one whose worker is gone. Whatever happens is written on the job.

    A job that is gone, cancelled, or in another worker's hands is left alone.

    Args:
        job_id: primary key of the job.

    Raises:
        SystemExit: when the worker has to end; another one goes on with the job.
    """
    job = claim(job_id)
    if job is None:
        return
    sent = current_act()
    mine = sent if sent.correlation_id == job.correlation_id else Act()
    act = acting(
        Actor.from_user(job.owner),
        EventSource.SYSTEM,
        correlation_id=job.correlation_id or None,
        metadata=dict(mine.metadata),
        impersonator=mine.impersonator,
        reason=mine.reason,
    )
    with act, translation.override(job.language or get_language()):
        _carry_out(job)
    hand_waiting()


def _carry_out(job: ExportJob) -> None:
    watch = Watch(job)
    workshop = Workshop(job, watch.glance)
    try:
        with watch:
            file, plan = _produce(job, watch, workshop)
            _deliver(job, plan, file, watch, workshop)
    except Exception as error:  # noqa: BLE001 - it is written on the job, or logged
        workshop.close()
        _reconnect()
        _end(job, watch.why or error)
    except BaseException:
        give_back(job)
        raise
    finally:
        workshop.close()


def _produce(job: ExportJob, watch: Watch, workshop: Workshop) -> tuple[ScratchFile, Plan]:
    workshop.sweep()
    plan = make_plan(job, watch.reading)
    kept = KeptSegments(job, workshop)
    if job.plan.get("mark") == plan.mark:
        kept.take_up()
    else:
        forget_segments(job)
    watch.progress.begin(plan.sheet.total_rows, kept.rows, kept.size)
    _note(job, plan)
    watch.tell()
    with plan.source.snapshot() if plan.snapshot else nullcontext():
        file = FileWriter(plan, watch, workshop, bytes_for(job)).write(kept, keep=not plan.snapshot)
    return file, plan


def _note(job: ExportJob, plan: Plan) -> None:
    """Write on the job what its segments are made for, so that the next worker knows whether it can go on.

    What was searched stays there for the judgement of who may have the file.

    Raises:
        ExportLostError: when the job is no longer this worker's.
    """
    job.plan = {"mark": plan.mark, "total": plan.sheet.total_rows, "searched": list(plan.searched)}
    job.consistency = Consistency.SNAPSHOT if plan.snapshot else Consistency.LIVE
    if not this_run(job).update(plan=job.plan, consistency=job.consistency):
        raise taken()


def _reconnect() -> None:
    """Let go of connections that an error, or the server's cutting off, may have left in the middle of something."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def _deliver(job: ExportJob, plan: Plan, file: ScratchFile, watch: Watch, workshop: Workshop) -> None:
    """Store the whole file, then end the job; a job that ended otherwise meanwhile leaves no file behind."""
    watch.check()
    size, checksum = file.finish()
    remarks = list(plan.exporter.remarks())
    if remarks:  # they may show characters of the file, which the log must not
        logger.warning("The file of export job %s has %d remarks on the job", job.pk, len(remarks))
    content_type, extension = plan.exporter.file_type(job.options)
    name = workshop.store(file, extension)
    try:
        done = close(
            job,
            JobState.FINISHED,
            only=this_run(job).filter(cancel_requested=False),
            rows_done=watch.progress.rows,
            rows_total=watch.progress.rows,
            file_name=name,
            download_name=download_name(job, extension),
            content_type=content_type,
            size=size,
            sha256=checksum,
            plan={**job.plan, "remarks": remarks},
            expires_at=timezone.now() + timedelta(hours=settings().EXPORT_EXPIRY_HOURS),
        )
    except BaseException:
        delete_file(name)
        raise
    if not done:
        delete_file(name)
        watch.check()
        raise taken()
    clean_up(job)


def _end(job: ExportJob, error: Exception) -> None:
    """Write on the job how its run ended, if it is still this worker's."""
    if isinstance(error, ExportLostError):
        logger.warning("Export job %s was taken from this worker", job.pk)
        return
    try:
        if may_pass(error) and try_later(job, error):
            return
        _close(job, error)
    except Exception:  # a receiver of the event may raise anything; the job must not stay open for it
        logger.exception("The end of export job %s could not be told", job.pk)
        told = _told(error)
        close_quietly(job, told.code, told.detail)


def _close(job: ExportJob, error: Exception) -> None:
    if isinstance(error, ExportCancelled):
        if close(job, JobState.CANCELLED, only=this_run(job)):
            clean_up(job)
        return
    if not isinstance(error, GridKitError):
        logger.error("Export job %s failed", job.pk, exc_info=error)
    told = _told(error)
    ended = close(job, JobState.FAILED, only=this_run(job), error_code=told.code, error_detail=told.detail)
    if ended and isinstance(error, _USELESS) and not isinstance(error, _COMPUTING):
        clean_up(job)


def _told(error: Exception) -> GridKitError:
    """Return what people are told of an error: nothing of the inside of one that nobody foresaw."""
    if isinstance(error, GridKitError):
        return error
    return ExportError(
        f"Something on the server went wrong ({type(error).__name__}). Try again; if it fails again, tell an "
        "administrator: the server's log says why."
    )
