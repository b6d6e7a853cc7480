"""Writes the values of one column in many rows as texts, so that what depends on the column is decided once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from gridkit_django.exports.guard import FORMULA_STARTS, guard_text
from gridkit_plugins.export.exporters.celltext import cell_text, document_text, float_text, json_text, moment_text

Cells: TypeAlias = Sequence[Any]
Writing: TypeAlias = Callable[[Cells], Cells]
"""Turns the values of a column into texts, or into what a CSV writer turns into the same text."""

_SUSPECT = frozenset({" ", *FORMULA_STARTS})
_TRUTH = {True: "true", False: "false"}
LARGEST_EXACT = 2**53 - 1
"""The largest whole number up to which JavaScript knows all."""


def csv_writing(kind: str, *, guard: bool, decimal: str) -> Writing:
    """Return what writes a column for CSV. A value that is not of the column's type is written as what it is.

    Args:
        kind: the column's type.
        guard: defuse texts that look like formulas.
        decimal: the decimal sign.
    """
    other = partial(_other, guard=guard)
    match kind:
        case "integer":
            return lambda cells: [cell if cell.__class__ is int else other(cell) for cell in cells]
        case "decimal" | "float":
            return partial(_numbers, decimal=decimal, other=other)
        case "boolean":
            return lambda cells: [_TRUTH[cell] if cell.__class__ is bool else other(cell) for cell in cells]
        case "date":
            return lambda cells: [cell if cell.__class__ is date else other(cell) for cell in cells]
        case "datetime" | "time":
            return partial(_moments, other=other)
        case "json":
            return lambda cells: ["" if cell is None else document_text(cell) for cell in cells]
        case _:
            return partial(_texts, guard=guard, other=other)


def json_writing(kind: str, *, decimals_as_text: bool, large_as_text: bool) -> Writing:
    """Return what writes a column as JSON. A value that is not of the column's type is written as what it is.

    Args:
        kind: the column's type.
        decimals_as_text: write exact numbers as strings.
        large_as_text: write whole numbers over 2^53 as strings.
    """
    match kind:
        case "text" | "choice":
            return partial(_json_texts, large_as_text=large_as_text)
        case "integer" if large_as_text:
            return lambda cells: [_whole(cell) if cell.__class__ is int else json_text(cell) for cell in cells]
        case "integer":
            return lambda cells: [cell if cell.__class__ is int else json_text(cell) for cell in cells]
        case "decimal" if not decimals_as_text:
            return lambda cells: [_number(cell) if cell.__class__ is Decimal else json_text(cell) for cell in cells]
        case "json":
            return lambda cells: ["null" if cell is None else document_text(cell) for cell in cells]
        case _:
            return lambda cells: [json_text(cell) for cell in cells]


def _other(cell: Any, *, guard: bool) -> str:
    text = cell_text(cell)
    return guard_text(text) if guard and isinstance(cell, str) else text


def _texts(cells: Cells, *, guard: bool, other: Callable[[Any], str]) -> Cells:
    if guard:
        return [cell if cell.__class__ is str and cell[:1] not in _SUSPECT else other(cell) for cell in cells]
    return [cell if cell.__class__ is str else other(cell) for cell in cells]


def _numbers(cells: Cells, *, decimal: str, other: Callable[[Any], str]) -> Cells:
    if decimal == ".":
        return [_figure(cell) if cell.__class__ in (Decimal, float) else other(cell) for cell in cells]
    return [
        _figure(cell).replace(".", decimal) if cell.__class__ in (Decimal, float) else other(cell) for cell in cells
    ]


def _figure(cell: Decimal | float) -> str:
    return float_text(cell) if cell.__class__ is float else format(cell, "f")


def _moments(cells: Cells, *, other: Callable[[Any], str]) -> Cells:
    return [
        (moment_text(cell) if cell.microsecond else cell.isoformat())
        if cell.__class__ in (datetime, time)
        else other(cell)
        for cell in cells
    ]


def _json_texts(cells: Cells, *, large_as_text: bool) -> Cells:
    return [
        encode_basestring(cell)
        if cell.__class__ is str
        else _whole(cell)
        if large_as_text and cell.__class__ is int
        else json_text(cell)
        for cell in cells
    ]


def _whole(cell: int) -> str:
    return str(cell) if -LARGEST_EXACT <= cell <= LARGEST_EXACT else f'"{cell}"'


def _number(cell: Decimal) -> str:
    return format(cell, "f") if cell.is_finite() else "null"
