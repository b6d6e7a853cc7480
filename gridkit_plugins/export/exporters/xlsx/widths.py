"""How wide the columns of a sheet are, in characters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from gridkit_django.exports import ExportColumn
from gridkit_django.exports.texts import text_writer

_WIDTHS: Mapping[str, float] = MappingProxyType(
    {"text": 24, "json": 30, "uuid": 38, "datetime": 20, "date": 12, "time": 10, "choice": 16}
)
_NARROW = 12.0
_HEADING_MAX = 40
_LARGE = -9_999_999
"""A number that takes more room than most."""

_DAYS = tuple(datetime(2028, month, 28, 22, 28, 28) for month in range(1, 13))  # noqa: DTZ001 - only as long as others


def column_width(column: ExportColumn, language: str) -> float:
    """Return a column's width: the declared one (CSS pixels, of which a digit takes 7), or what its values need.

    Args:
        column: the column.
        language: code of the reader's language, in which months have names of other lengths.
    """
    if column.width is not None:
        return max((column.width - 5) / 7, 2)
    formatted = _formatted(column, language) if column.format is not None else 0
    return max(_WIDTHS.get(column.type, _NARROW), min(len(column.label) + 4, _HEADING_MAX), formatted)


def _formatted(column: ExportColumn, language: str) -> int:
    """Return the room for the longest usual value of a column with a format."""
    write = text_writer(column, language)
    if column.type in ("date", "datetime"):
        days: tuple[date, ...] = _DAYS if column.type == "datetime" else tuple(day.date() for day in _DAYS)
        return max(len(write(day)) for day in days) + 2
    places = Decimal(1).scaleb(-(column.decimals or 0))
    return len(write(Decimal(_LARGE).quantize(places))) + 2
