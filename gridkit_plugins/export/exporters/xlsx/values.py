"""How a value becomes a spreadsheet cell: real types where a spreadsheet holds the value exactly, text otherwise."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from gridkit_plugins.export.exporters.celltext import cell_text

TEXT_MAX = 32_767
"""Characters (UTF-16 units) in one cell at most: a limit of the file format."""

CUT_MARK = " […cut: a cell holds 32,767 characters]"
"""Stands at the end of a text that was cut, so that nobody takes it for the whole."""

DIGITS_EXACT = 15
"""Significant digits that a spreadsheet number keeps (IEEE 754 double)."""

FIRST_DATE = date(1900, 3, 1)
"""Earlier dates are wrong in a spreadsheet, which believes in a 29 February 1900."""

FORMULA_STARTS = ("=", "+", "-", "@")
"""A text that starts so is a formula as soon as somebody edits its cell, unless the cell says that it is text."""

_EPOCH = date(1899, 12, 30).toordinal()
_DAY_SECONDS = 86_400

_ESCAPED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")
"""What stands in the file as ``_xHHHH_`` (ST_Xstring of ISO 29500): characters XML can't hold, and its own look."""

_NONE = re.compile(r"[\ud800-\udfff\ufffe\uffff]")
"""Halves of characters, and what is no character at all: no XML can hold them, escaped or not."""


def sheet_value(value: Any) -> Any:
    """Return what the cell holds: None, bool, int, float, Decimal, date, datetime, time or text."""
    if value is None or isinstance(value, (bool, time)):
        return value
    if isinstance(value, str):
        return sheet_text(value)
    if isinstance(value, (int, float, Decimal)):
        return _number(value)
    if isinstance(value, datetime):
        return value if value.date() >= FIRST_DATE else cell_text(value)
    if isinstance(value, date):
        return value if value >= FIRST_DATE else cell_text(value)
    return str(value) if isinstance(value, UUID) else sheet_text(cell_text(value))


def sheet_text(text: str) -> str:
    """Return ``text`` as a cell holds it: escaped by the rules of the format, line ends as LF, cut with a mark.

    What a reader of the format gets back is the text itself, save for line ends, for what is no character (and becomes
    U+FFFD) and for what is over the limit of a cell.
    """
    text = _NONE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) * 2 > TEXT_MAX and len(text.encode("utf-16-le")) // 2 > TEXT_MAX:
        room = (TEXT_MAX - len(CUT_MARK)) * 2
        text = text.encode("utf-16-le")[:room].decode("utf-16-le", "ignore") + CUT_MARK
    return _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def serial(value: date | time) -> float:
    """Return the number of a day, of a point in time as its clock shows it, or of a time of day."""
    if isinstance(value, datetime):
        return value.toordinal() - _EPOCH + _share_of_day(value)
    return _share_of_day(value) if isinstance(value, time) else value.toordinal() - _EPOCH


def _share_of_day(value: datetime | time) -> float:
    seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    return seconds / _DAY_SECONDS


def _number(value: float | Decimal) -> Any:
    """Return a number that a spreadsheet holds exactly, or the exact text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    exact = Decimal(value)
    if not exact.is_finite():
        return str(value)
    digits = len(exact.as_tuple().digits)
    return value if digits <= DIGITS_EXACT else cell_text(value)
