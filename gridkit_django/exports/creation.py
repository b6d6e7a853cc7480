"""Asking for an export: rights, format, options and limits are judged, the question is frozen, a worker is told."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import cast

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language

from gridkit_django.audit import record
from gridkit_django.conf import settings
from gridkit_django.events import current_act, event_bus, make_event
from gridkit_django.exceptions import (
    AccessDeniedError,
    ErrorItem,
    ExportLimitError,
    ExportOptionsError,
    ExportTooLargeError,
)
from gridkit_django.exports.base import BaseExporter
from gridkit_django.exports.jobs import database, fail_lost_jobs, open_jobs, target_of
from gridkit_django.exports.limits import check_stored_bytes
from gridkit_django.exports.owners import mail_address
from gridkit_django.exports.picking import picked, settled
from gridkit_django.exports.registry import exporters
from gridkit_django.exports.request import ExportRequest
from gridkit_django.exports.rows import RowSource, too_large
from gridkit_django.exports.waiting import hand_over
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.locking import lock_user
from gridkit_django.grids.looks import told_query
from gridkit_django.grids.pointers import pointer
from gridkit_django.grids.query import CountMode, CursorWindow, GridQuery
from gridkit_django.grids.selection import Selection
from gridkit_django.json_schema import faults_of_value
from gridkit_django.models import Consistency, ExportJob
from gridkit_django.typing import JSONValue

_FAULTS_MAX = 20
_DETAIL_MAX = 300


def request_export(access: GridAccess, request: ExportRequest) -> ExportJob:
    """Freeze grid, query, rows, format, options and owner into a queued job; after the commit a worker is told.

    Args:
        access: the grid as the asking user may see it; that user becomes the owner.
        request: what is asked for.

    Raises:
        AccessDeniedError: when the user is anonymous or may not export this grid.
        QueryError: when the query can't be understood.
        UnknownFormatError: when no active plugin writes the format, or its library is missing.
        ExportOptionsError: when the options break the format's schema.
        ExportTooLargeError: when the selection has more rows than the format takes.
        ExportLimitError: when the user has as many exports under way as one user may have.
        EventRejected: when a handler of ``export:request`` vetoes.
    """
    frozen, selection = judge_request(access, request)
    fail_lost_jobs()
    check_stored_bytes(access.user.pk)
    job = ExportJob(
        grid=access.grid_id,
        query=frozen.to_dict(),
        selection=None if selection is None else selection.to_dict(),
        format=request.format,
        options=dict(request.options),
        consistency_asked=request.consistency,
        notify=request.notify,
        schedule=request.schedule,
        owner_id=cast("int", access.user.pk),
        correlation_id=current_act().correlation_id,
        language=get_language() or "",
    )
    _store(job, access, frozen, queue=request.queue)
    return job


def judge_request(access: GridAccess, request: ExportRequest) -> tuple[GridQuery, Selection | None]:
    """Return the question and the selection as a job keeps them, or refuse as ``request_export`` does.

    Raises:
        AccessDeniedError, QueryError, UnknownFormatError, ExportOptionsError, ExportTooLargeError: as above.
    """
    check_may_export(access)
    exporter = exporters().get(request.format)
    _check_options(exporter, request.options)
    if request.notify and not mail_address(access.user):
        raise ExportOptionsError.at("/notify", "Your account has no e-mail address. Leave out that it shall be told.")
    query, selection = settled(access, request)
    frozen = _freeze(access, query)
    source = RowSource(picked(access, selection), frozen)
    _check_consistency(request.consistency, source)
    _check_size(source, exporter)
    return frozen, selection


def check_may_export(access: GridAccess) -> None:
    """Judge the right to export.

    Raises:
        AccessDeniedError: when the user is anonymous, inactive, or may not export this grid.
    """
    user = access.user
    if user.is_authenticated and user.is_active and access.can_export:
        return
    raise AccessDeniedError(
        f"You may not export the grid {access.grid_id!r}. It takes the right 'gridkit_django.export_grid'."
    )


def _check_options(exporter: type[BaseExporter], options: Mapping[str, JSONValue]) -> None:
    schema = {"type": "object", "properties": dict(exporter.options_schema), "additionalProperties": False}
    faults = [
        ErrorItem(pointer("options", *fault.path), ExportOptionsError.code, fault.message[:_DETAIL_MAX])
        for fault in faults_of_value(schema, dict(options), most=_FAULTS_MAX)
    ]
    if faults:
        text = "; ".join(fault.detail for fault in faults)
        raise ExportOptionsError(f"The options do not fit the format {exporter.format!r}: {text}.", errors=faults)


def _freeze(access: GridAccess, query: GridQuery) -> GridQuery:
    """Return the query with columns and time zone fixed, so that later changes of defaults do not matter."""
    columns = query.columns or tuple(column.id for column in access.columns)
    zone = query.tz or access.options.time_zone or timezone.get_current_timezone_name()
    return query.with_changes(columns=columns, window=CursorWindow(), count=CountMode.NONE, tz=zone)


def _check_consistency(asked: str, source: RowSource) -> None:
    """Refuse a moment that nobody knows, and a snapshot that this database can't give.

    Raises:
        ExportOptionsError: with the reason.
    """
    if asked not in Consistency.values:
        raise ExportOptionsError.at("/consistency", f"The consistency is one of {', '.join(Consistency.values)}.")
    if asked == Consistency.SNAPSHOT and source.why_no_snapshot:
        raise ExportOptionsError.at("/consistency", f"There is no snapshot of this database. {source.why_no_snapshot}")


def _check_size(source: RowSource, exporter: type[BaseExporter]) -> None:
    """Refuse at the door what the format can't take, without counting all rows.

    Raises:
        ExportTooLargeError: when there are more rows than the format takes.
        QueryError: when the database can't compute which rows they are.
    """
    limit = exporter.max_rows
    if limit is not None and source.count_up_to(limit + 1) > limit:
        raise ExportTooLargeError(too_large(limit))


def _store(job: ExportJob, access: GridAccess, query: GridQuery, *, queue: bool) -> None:
    using = database()
    payload: dict[str, JSONValue] = {"jobId": str(job.pk), "format": job.format, "query": job.query}
    event = make_event("export:request", payload, grid=job.grid)
    with transaction.atomic(using=using):
        emission = event_bus().open(event, sender=access.grid, using=using)
        emission.before()
        lock_user(job.owner_id, using)
        job.save(using=using)
        _check_limit(job)
        evidence = _evidence(job, told_query(access, query))
        record("export.request", target=target_of(job), grid=job.grid, evidence=evidence)
        emission.after()
        if queue:
            transaction.on_commit(partial(_hand_over, job.pk), using=using)


def _evidence(job: ExportJob, told: dict[str, JSONValue]) -> dict[str, JSONValue]:
    """Return what the audit trail keeps of the request: no values of columns that a policy masks or encrypts.

    The whole query stays on the job.
    """
    filtered = bool(job.query["filter"] or job.query["search"])
    chosen = job.selection
    picked_facts = {} if chosen is None else {"picked": {key: len(chosen[key]) for key in ("include", "exclude")}}
    by_schedule = {"schedule": str(job.schedule_id), "owner": str(job.owner_id)} if job.schedule_id else {}
    return {
        **picked_facts,
        **by_schedule,
        "format": job.format,
        "columns": job.query["columns"],
        "filtered": filtered,
        "query": told,
        "options": job.options,
    }


def _check_limit(job: ExportJob) -> None:
    limit = settings().EXPORT_JOBS_PER_USER
    if open_jobs(job.owner_id).count() > limit:
        raise ExportLimitError(
            f"{limit} of your exports are queued or running, the most that one user may have. Wait, or cancel one."
        )


def _hand_over(job_id: uuid.UUID) -> None:
    """Hand the job to a worker; where the task queue can't be reached, it waits until it can."""
    hand_over(job_id)
