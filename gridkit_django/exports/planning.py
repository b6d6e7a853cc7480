"""What one run is about: the grid as its owner sees it now, the rows, the writer and the sheet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

import gridkit_django
from gridkit_django.conf import settings
from gridkit_django.exceptions import AccessDeniedError
from gridkit_django.exports.base import BaseExporter, ExportSheet
from gridkit_django.exports.creation import check_may_export
from gridkit_django.exports.picking import picked_by, selection_of
from gridkit_django.exports.registry import exporters
from gridkit_django.exports.rows import RowSource
from gridkit_django.exports.segments import SegmentedExporter
from gridkit_django.exports.sheets import grouped, make_sheet
from gridkit_django.grids.access import GridAccess, open_grid
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import compile_query
from gridkit_django.grids.search import search_columns
from gridkit_django.models import Consistency, ExportJob

Reading: TypeAlias = Callable[[BaseDatabaseWrapper], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    Attributes:
        exporter: writes the file.
        source: gives the rows.
        sheet: what the file is about, with the number of rows as it was counted first.
        mark: tells this plan from others: segments that were made for another one can't be gone on with.
        snapshot: all rows are read as of one moment.
        searched: ids of the columns that a search looks into.
    """

    exporter: BaseExporter
    source: RowSource
    sheet: ExportSheet
    mark: str
    snapshot: bool
    searched: tuple[str, ...]


def make_plan(job: ExportJob, reading: Reading) -> Plan:
    """Rebuild the job's question as its owner, now, and count its rows unless a run before this one did.

    Args:
        job: the job.
        reading: a context in which what a connection asks can be cut off.

    Raises:
        AccessDeniedError: when the owner's account is disabled or may no longer export.
        GridNotFoundError: when the owner may no longer open the grid.
        QueryError: when the owner may no longer ask it.
        UnknownFormatError: when nobody writes the format any more.
        ExportTooLargeError: when there are more rows than the site or the format takes.
    """
    access = open_owned(job)
    query = GridQuery.from_dict(job.query)
    exporter = exporters().get(job.format)()
    people = exporter.for_people and job.options.get("formatting", True) is not False
    ordered = grouped(access, query) if people else query
    source = RowSource(access, ordered, labels=exporter.shows_labels(job.options))
    sheet = make_sheet(job, access, source, 0, people=people)
    mark = _mark(exporter, sheet, [_statement(access, ordered), *(named.facts for named in source.named.values())])
    same = job.plan.get("mark") == mark
    with reading(source.connection):
        total = int(job.plan["total"]) if same else source.total(_limit(exporter))
    at_once = _of_one_moment(job, exporter, source, total)
    return Plan(exporter, source, replace(sheet, total_rows=total), mark, at_once, _searched(job, access, query))


def open_owned(job: ExportJob) -> GridAccess:
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


def _searched(job: ExportJob, access: GridAccess, query: GridQuery) -> tuple[str, ...]:
    selection = selection_of(job)
    asked = [query, selection.query if selection is not None else None]
    if not any(one is not None and one.search for one in asked):
        return ()
    return tuple(column.id for column in search_columns(access))


def _limit(exporter: BaseExporter) -> int:
    most = settings().EXPORT_ROWS_MAX
    return most if exporter.max_rows is None else min(most, exporter.max_rows)


def _of_one_moment(job: ExportJob, exporter: BaseExporter, source: RowSource, total: int) -> bool:
    """Whether all rows are read as of one moment: when it was asked for, and where nothing is lost by it.

    Nothing is lost where the file is made in one go anyway, so that another run could not go on with it.
    """
    if job.consistency_asked != Consistency.AUTO:
        return job.consistency_asked == Consistency.SNAPSHOT
    if isinstance(exporter, SegmentedExporter) and source.resumable and total > exporter.segment_rows:
        return False
    return not connections[source.alias].in_atomic_block and not source.why_no_snapshot


def _mark(exporter: BaseExporter, sheet: ExportSheet, statement: list[Any]) -> str:
    """Return a digest of what decides which bytes a segment has: also rows that the owner sees by a rule count."""
    facts = {
        "version": gridkit_django.__version__,
        "writer": f"{type(exporter).__module__}.{type(exporter).__qualname__}",
        "sheet": repr(sheet),
        "rows": statement,
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _statement(access: GridAccess, query: GridQuery) -> list[Any]:
    try:
        sql, parameters = compile_query(access, query).queryset.query.sql_with_params()
    except EmptyResultSet:
        return []
    return [sql, [repr(value) for value in parameters]]
