"""What an exporter is told of a file: made of the grid, its columns and the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import models
from django.utils import timezone
from django.utils.translation import get_language

from gridkit_django.exports.base import ExportColumn, ExportFigure, ExportGroup, ExportSheet
from gridkit_django.exports.rows import RowSource
from gridkit_django.grids import Column
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import CellStyle
from gridkit_django.grids.columns.appearance import clean_styles
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.query import GridQuery, SortTerm
from gridkit_django.models import ExportJob


def grouped(access: GridAccess, query: GridQuery) -> GridQuery:
    """Return a question whose rows come in the order of its groups, with the columns that make them.

    Args:
        access: the grid as its user may see it.
        query: what was asked for; without groups it is returned as it is.
    """
    names = tuple(dict.fromkeys(term.col for term in query.group))
    asked = {term.col: term for term in query.sort}
    sort = tuple(asked.get(name, SortTerm(name)) for name in names)
    shown = tuple(access.by_id) if query.columns is None else query.columns
    return query.with_changes(
        columns=(*(name for name in names if name not in shown), *shown),
        sort=(*sort, *(term for term in query.sort if term.col not in names)) if query.sort or sort else (),
    )


def make_sheet(job: ExportJob, access: GridAccess, source: RowSource, total: int, *, people: bool) -> ExportSheet:
    """Return what the exporter of a job is told.

    Args:
        job: the job.
        access: the grid as the job's owner may see it.
        source: the rows.
        total: how many rows there are.
        people: the file is read by people: it has formats, styles, groups and figures, and labels for choices.
    """
    columns = tuple(_column(column, people=people) for column in source.columns)
    sheet = ExportSheet(
        title=str(access.options.label),
        columns=columns,
        options=job.options,
        created_at=job.started_at or timezone.now(),
        owner_label=str(job.owner),
        total_rows=total,
        time_zone=source.zone,
        language=get_language() or "en",
    )
    query = GridQuery.from_dict(job.query)
    places = [column.id for column in columns]
    return replace(sheet, groups=_groups(query, places), figures=_figures(query, places)) if people else sheet


def _column(column: Column, *, people: bool) -> ExportColumn:
    told = ExportColumn(
        column.id, str(column.label), column.type, decimals=getattr(column.value_field, "decimal_places", None)
    )
    if not people:
        return told
    return replace(
        told,
        format=column.format,
        styles=tuple(_labelled(column, style) for style in clean_styles(column)),
        width=column.width,
        link=isinstance(column.value_field, models.URLField),
    )


def _labelled(column: Column, style: CellStyle) -> CellStyle:
    """Return a style that compares with the labels of choices, which is what the file shows."""
    labels = dict(column.choices or ())
    if not labels:
        return style
    if isinstance(style.value, tuple):
        return replace(style, value=tuple(labels.get(item, item) for item in style.value))
    return replace(style, value=labels.get(style.value, style.value))


def _groups(query: GridQuery, places: Sequence[str]) -> tuple[ExportGroup, ...]:
    return tuple(ExportGroup(places.index(term.col), term.by) for term in query.group if term.col in places)


def _figures(query: GridQuery, places: Sequence[str]) -> tuple[ExportFigure, ...]:
    """Return the figures of columns that are shown; of several of one column, the first.

    Different values can't be counted while rows pass without keeping all of them.
    """
    found: dict[int, ExportFigure] = {}
    for item in query.aggregates:
        if item.col in places and item.fn is not Fn.COUNT_DISTINCT:
            place = places.index(item.col)
            found.setdefault(place, ExportFigure(place, item.fn))
    return tuple(found[place] for place in sorted(found))
