"""How a value becomes a spreadsheet cell: real types where a spreadsheet holds the value exactly, text otherwise."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from openpyxl.cell.cell import ERROR_CODES

from gridkit_plugins.export.exporters.celltext import cell_text

TEXT_MAX = 32_767
"""Characters (UTF-16 units) in one cell at most: a limit of the file format."""

CUT_MARK = " […cut: a cell holds 32,767 characters]"
"""Stands at the end of a text that was cut, so that nobody takes it for the whole."""

_DIGITS_EXACT = 15
"""Significant digits that a spreadsheet number keeps (IEEE 754 double)."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 can't hold."""

_FIRST_DATE = date(1900, 3, 1)
"""Earlier dates are wrong in a spreadsheet, which believes in a 29 February 1900."""


def sheet_value(value: Any) -> Any:
    """Return what the cell holds: None, bool, int, float, Decimal, date, naive datetime, time or text."""
    if value is None or isinstance(value, (bool, time)):
        return value
    if isinstance(value, str):
        return sheet_text(value)
    if isinstance(value, (int, float, Decimal)):
        return _number(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None) if value.date() >= _FIRST_DATE else cell_text(value)
    if isinstance(value, date):
        return value if value >= _FIRST_DATE else cell_text(value)
    return str(value) if isinstance(value, UUID) else sheet_text(cell_text(value))


def sheet_text(text: str) -> str:
    """Return ``text`` as a cell can hold it: no control characters, line ends as LF, cut with a mark when too long."""
    text = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) * 2 <= TEXT_MAX or len(text.encode("utf-16-le")) // 2 <= TEXT_MAX:
        return text
    room = (TEXT_MAX - len(CUT_MARK)) * 2
    return text.encode("utf-16-le")[:room].decode("utf-16-le", "ignore") + CUT_MARK


def needs_text_type(text: str) -> bool:
    """Whether openpyxl would take ``text`` for a formula or an error value unless told that it is text."""
    return text.startswith("=") or text in ERROR_CODES


def _number(value: float | Decimal) -> Any:
    """Return a number that a spreadsheet holds exactly, or the exact text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    exact = Decimal(value)
    if not exact.is_finite():
        return str(value)
    digits = len(exact.as_tuple().digits)
    return value if digits <= _DIGITS_EXACT else cell_text(value)
