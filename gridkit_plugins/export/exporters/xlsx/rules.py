"""The conditional styles of a column as rules of a spreadsheet, which go on to work when somebody changes a cell.

Each rule is a formula about the cell itself that holds for values of the column's type only: a spreadsheet counts any
text as more than any number, and an empty cell as 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any

from django.utils import timezone
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle

from gridkit_django.exports import ExportColumn
from gridkit_django.grids import CellStyle, Op
from gridkit_django.grids.columns.styles import TONES
from gridkit_django.grids.periods import PRESETS
from gridkit_plugins.export.exporters.xlsx.values import serial

_LITERAL_MAX = 255
"""Characters of a text in a formula at most."""

_SIGNS = {Op.EQ: "=", Op.LT: "<", Op.LTE: "<=", Op.GT: ">", Op.GTE: ">="}
_WILD = re.compile(r"[~*?]")


def rules(column: ExportColumn, cell: str, zone: tzinfo) -> Iterator[Rule]:
    """Yield the rules of a column, the first that fits first.

    Args:
        column: the column with its styles.
        cell: address of its first cell, without a dollar sign before the row.
        zone: the time zone of points in time.
    """
    for style in column.styles:
        yield Rule(type="expression", dxf=_look(style), formula=[_formula(style, column, cell, zone)], stopIfTrue=True)


def _look(style: CellStyle) -> DifferentialStyle:
    text, ground = TONES.get(style.tone, ("", ""))
    font = Font(b=style.bold or None, i=style.italic or None, color=_color(text) if text else None)
    fill = PatternFill(bgColor=_color(ground), fill_type="solid") if ground else None
    return DifferentialStyle(font=font, fill=fill)


def _color(hexadecimal: str) -> str:
    return "FF" + hexadecimal.removeprefix("#").upper()


def _formula(style: CellStyle, column: ExportColumn, cell: str, zone: tzinfo) -> str:
    op = Op(style.op)
    formula = _positive(op.positive, style, column, cell, zone)
    return formula if op is op.positive else f"NOT({formula})"


def _positive(op: Op, style: CellStyle, column: ExportColumn, cell: str, zone: tzinfo) -> str:
    match op:
        case Op.BLANK:
            return f"LEN({cell})=0"
        case Op.IS_TRUE | Op.IS_FALSE:
            return _truth(cell, holds=op is Op.IS_TRUE)
        case Op.IN:
            return _any([_compare(Op.EQ, item, column, cell, zone) for item in style.value])
        case Op.BETWEEN:
            low = _compare(Op.GTE, style.value, column, cell, zone)
            return f"AND({low},{_compare(Op.LTE, style.to, column, cell, zone)})"
        case Op.RELATIVE:
            first, end = PRESETS[str(style.value)](timezone.localdate(timezone=zone))
            return f"AND(ISNUMBER({cell}),{cell}>={serial(first)},{cell}<{serial(end)})"
        case Op.CONTAINS | Op.STARTS | Op.ENDS:
            return _found(op, str(style.value), cell)
        case _:
            return _compare(op, style.value, column, cell, zone)


def _compare(op: Op, value: Any, column: ExportColumn, cell: str, zone: tzinfo) -> str:
    if value is None:
        return f"LEN({cell})=0"
    if isinstance(value, bool):
        return _truth(cell, holds=value)
    if isinstance(value, datetime):
        local = value if value.tzinfo is None else value.astimezone(zone)
        return f"AND(ISNUMBER({cell}),{cell}{_SIGNS[op]}{serial(local)!r})"
    if isinstance(value, (date, time)):
        # A day means the whole day of a point in time.
        told = f"INT({cell})" if column.type == "datetime" else cell
        return f"AND(ISNUMBER({cell}),{told}{_SIGNS[op]}{serial(value)!r})"
    if isinstance(value, (int, float, Decimal)):
        number = format(value, "f") if isinstance(value, Decimal) else repr(value)
        return f"AND(ISNUMBER({cell}),{cell}{_SIGNS[op]}{number})"
    return f"AND(ISTEXT({cell}),{cell}={_text(str(value))})"


def _found(op: Op, text: str, cell: str) -> str:
    if op is Op.CONTAINS:
        return f"ISNUMBER(SEARCH({_text(_WILD.sub(lambda sign: f'~{sign[0]}', text))},{cell}))"
    side = "LEFT" if op is Op.STARTS else "RIGHT"
    return f"AND(ISTEXT({cell}),{side}({cell},{len(text.encode('utf-16-le')) // 2})={_text(text)})"


def _truth(cell: str, *, holds: bool) -> str:
    return f"AND(ISLOGICAL({cell}),{cell if holds else f'NOT({cell})'})"


def _any(conditions: Sequence[str]) -> str:
    return f"OR({','.join(conditions)})" if conditions else "FALSE"


def _text(text: str) -> str:
    """Return a text as it stands in a formula; longer ones than a formula takes are put together."""
    parts = [text[start : start + _LITERAL_MAX // 2] for start in range(0, len(text), _LITERAL_MAX // 2)] or [""]
    return "&".join('"' + part.replace('"', '""') + '"' for part in parts)
