"""Styles of the workbook's cells, registered in a fixed order, so that every worker finds the same numbers for them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.styleable import StyleableObject

from gridkit_django.exports import ExportColumn, ExportSheet
from gridkit_django.grids.functions import Fn
from gridkit_plugins.export.exporters.xlsx.cells import CellLooks, ColumnWriter
from gridkit_plugins.export.exporters.xlsx.numberformats import GENERAL, ISO, format_code

KINDS: Mapping[str, type] = MappingProxyType(
    {
        "text": str, "integer": int, "decimal": Decimal, "float": float, "boolean": bool, "date": date,
        "datetime": datetime, "time": time, "uuid": uuid.UUID,
    }
)  # fmt: skip
"""Column type to the Python type of its values."""

_FACE: Mapping[str, Any] = MappingProxyType({"name": "Calibri", "size": 11, "family": 2, "scheme": "minor"})
"""The font of a new workbook; a font that names no face is drawn in any."""

_BOLD = Font(bold=True, **_FACE)
_GROUND = PatternFill("solid", fgColor="FFE8ECF1")
_SOFT_GROUND = PatternFill("solid", fgColor="FFF4F6F9")
_LINK = Font(color="FF0563C1", underline="single", **_FACE)
_LINE = Border(top=Side("thin", color="FF8A94A3"))


@dataclass(frozen=True, slots=True)
class BookLooks:
    """Numbers of styles.

    Attributes:
        columns: of the cells of each column.
        header: of headings.
        subtotals: of figures under a group, by column.
        totals: of figures under the table, by column.
    """

    columns: tuple[CellLooks, ...]
    header: int
    subtotals: tuple[int, ...]
    totals: tuple[int, ...]

    def writers(self, columns: Sequence[ExportColumn]) -> list[ColumnWriter]:
        """Return what writes the cells of each column."""
        return [
            ColumnWriter(KINDS.get(column.type), looks) for column, looks in zip(columns, self.columns, strict=True)
        ]


def register_looks(page: Any, sheet: ExportSheet) -> BookLooks:
    """Register the styles that a file needs and return their numbers.

    Args:
        page: a worksheet of the workbook.
        sheet: columns, formats and figures.
    """
    formatted = bool(sheet.options.get("formatting", True))
    dates = {KINDS[name]: _number(page, code) for name, code in ISO.items()}
    codes = [
        format_code(column, sheet.language) if formatted else ISO.get(column.type, GENERAL) for column in sheet.columns
    ]
    counted = {figure.column for figure in sheet.figures if figure.fn is Fn.COUNT}
    under = ["0" if place in counted else code for place, code in enumerate(codes)]
    quoted = _quoted(page)
    link = _number(page, GENERAL, font=_LINK)
    return BookLooks(
        columns=tuple(CellLooks(_number(page, code), link, quoted, dates) for code in codes),
        header=_number(page, GENERAL, font=_BOLD, fill=_GROUND, alignment=Alignment(vertical="center"))
        if formatted
        else 0,
        subtotals=tuple(_number(page, code, font=_BOLD, fill=_SOFT_GROUND) for code in under),
        totals=tuple(_number(page, code, font=_BOLD, border=_LINE) for code in under),
    )


def _number(page: Any, code: str, **parts: Any) -> int:
    cell = StyleableObject(page)
    cell.number_format = code
    for name, part in parts.items():
        setattr(cell, name, part)
    return int(cell.style_id)


def _quoted(page: Any) -> int:
    """Register the style of a text that looks like a formula: it stays a text when somebody edits it."""
    cell = StyleableObject(page)
    cell.quotePrefix = 1
    return int(cell.style_id)
