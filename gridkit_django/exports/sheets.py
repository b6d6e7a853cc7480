"""What an exporter is told of a file: made of the grid, its columns and the question."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import get_language

from gridkit_django.exports.base import ExportColumn, ExportFigure, ExportGroup, ExportSheet
from gridkit_django.exports.rows import RowSource
from gridkit_django.grids import Column
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import CellStyle, ChoiceColumn
from gridkit_django.grids.columns.appearance import clean_styles
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.labels import read_labels
from gridkit_django.grids.operators import Op
from gridkit_django.grids.query import GridQuery, SortTerm
from gridkit_django.models import ExportJob

_OF_KEYS = (Op.EQ, Op.NE, Op.IN, Op.NIN, Op.BLANK, Op.NBLANK)
"""What a style may ask of a key whose label the file shows."""


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
        people: the file is read by people: it has formats, styles, groups and figures, and labels.
    """
    columns = tuple(
        _column(access, column, named=column.id in source.named, people=people) for column in source.columns
    )
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
    return (
        replace(sheet, groups=_groups(query, places), figures=_figures(query, places, source.named))
        if people
        else sheet
    )


def _column(access: GridAccess, column: Column, *, named: bool, people: bool) -> ExportColumn:
    kind = ChoiceColumn.type if named else column.type  # labels, and what has none as it is stored
    told = ExportColumn(
        column.id, str(column.label), kind, decimals=getattr(column.value_field, "decimal_places", None)
    )
    if not people:
        return told
    return replace(
        told,
        format=column.format,
        styles=tuple(_styles_of_keys(access, column)) if named else tuple(_styles(column)),
        width=column.width,
        link=isinstance(column.value_field, models.URLField),
    )


def _styles(column: Column) -> Iterator[CellStyle]:
    labels = dict(column.choices or ())
    return (_labelled(style, labels) if labels else style for style in clean_styles(column))


def _styles_of_keys(access: GridAccess, column: Column) -> Iterator[CellStyle]:
    """Yield the styles that say something of a key's label; which key is larger is not to be seen from it."""
    styles = [style for style in clean_styles(column) if style.op in _OF_KEYS]
    keys = [key for style in styles for key in (style.value if isinstance(style.value, tuple) else [style.value])]
    wires = {key: wire for key in keys if isinstance(wire := column.to_wire(key), (str, int))}
    found = read_labels(access, {column.id: wires.values()}).get(column.id, {})
    labels = {key: found[wire] for key, wire in wires.items() if wire in found}
    return (_labelled(style, labels) for style in styles)


def _labelled(style: CellStyle, labels: Mapping[Any, str]) -> CellStyle:
    """Return a style that compares with labels, which is what the file shows."""
    if isinstance(style.value, tuple):
        return replace(style, value=tuple(labels.get(item, item) for item in style.value))
    return replace(style, value=labels.get(style.value, style.value))


def _groups(query: GridQuery, places: Sequence[str]) -> tuple[ExportGroup, ...]:
    return tuple(ExportGroup(places.index(term.col), term.by) for term in query.group if term.col in places)


def _figures(query: GridQuery, places: Sequence[str], named: Container[str]) -> tuple[ExportFigure, ...]:
    """Return the figures of columns that are shown; of several of one column, the first.

    Different values can't be counted while rows pass without keeping all of them. Where labels of keys are shown
    (``named``), the keys are not there to be reckoned with.
    """
    found: dict[int, ExportFigure] = {}
    for item in query.aggregates:
        if item.col in places and (item.fn is Fn.COUNT if item.col in named else item.fn is not Fn.COUNT_DISTINCT):
            place = places.index(item.col)
            found.setdefault(place, ExportFigure(place, item.fn))
    return tuple(found[place] for place in sorted(found))
