"""Numbers: whole, exact and floating."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Value

from gridkit_django.grids.columns.base import OrderedColumn
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.functions import SUMS
from gridkit_django.typing import JSONValue

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_NUMBER_LENGTH = 100
_INT64 = range(-(2**63), 2**63)
_DECIMAL_DIGITS = 60
_DECIMAL_PLACES = 30


class IntegerColumn(OrderedColumn):
    """Whole numbers of 64 bits."""

    type = "integer"
    functions = SUMS
    fields = (models.IntegerField,)

    def clean(self, raw: JSONValue) -> int:
        """Accept a whole number, or its digits as a string.

        Raises:
            FilterValueError: for anything else, and beyond 64 bits, where databases differ.
        """
        if isinstance(raw, str) and _WHOLE.fullmatch(raw.strip()):
            raw = int(raw)
        if isinstance(raw, bool) or not isinstance(raw, int) or raw not in _INT64:
            raise self._refuse("a whole number of at most 64 bits")
        return raw


class DecimalColumn(OrderedColumn):
    """Exact numbers. They cross the wire as strings, because JSON numbers are read as floats."""

    type = "decimal"
    functions = SUMS
    fields = (models.DecimalField,)

    def clean(self, raw: JSONValue) -> Decimal:
        """Accept a number, or its digits as a string; keep every digit.

        Raises:
            FilterValueError: for anything else, for NaN and infinity, and over 30 digits before or after the point.
        """
        expected = "a number, or its digits as a string, of at most 30 digits before and 30 after the point"
        text = _number_text(raw)
        if text is None:
            raise self._refuse(expected)
        value = Decimal(text)
        if not _moderate(value):
            raise self._refuse(expected)
        return value

    def from_cursor(self, raw: JSONValue) -> Any:
        """A cursor may stand on a longer number than a filter may name."""
        return Decimal(raw) if isinstance(raw, str) else None

    def operand(self, value: Any, frame: Frame) -> Any:
        """Compare with every digit of the value.

        Left to itself Django rounds the value to the field's places on SQLite, so that 9.995 would equal 10.00.
        """
        del frame
        return Value(value, models.DecimalField(max_digits=_DECIMAL_DIGITS, decimal_places=_DECIMAL_PLACES))

    def to_wires(self, values: Sequence[Any], zone: tzinfo | None = None) -> Sequence[JSONValue]:
        """Turn many numbers into their digits."""
        if not self._writes_as(DecimalColumn):
            return super().to_wires(values, zone)
        return [None if value is None else format(value, "f") for value in values]

    def _wire(self, value: Any, zone: tzinfo | None) -> JSONValue:
        del zone
        return format(value, "f")


class FloatColumn(OrderedColumn):
    """Floating numbers (IEEE 754 double)."""

    type = "float"
    functions = SUMS
    fields = (models.FloatField,)

    def clean(self, raw: JSONValue) -> float:
        """Accept a number, or its digits as a string.

        Raises:
            FilterValueError: for anything else, and for NaN and infinity.
        """
        text = _number_text(raw)
        if text is None or not math.isfinite(float(text)):
            raise self._refuse("a finite number")
        return float(text)

    def from_cursor(self, raw: JSONValue) -> Any:
        """A cursor may stand on NaN or infinity, which PostgreSQL stores and sorts."""
        return float(raw) if isinstance(raw, str) else super().from_cursor(raw)

    def _wire(self, value: Any, zone: tzinfo | None) -> JSONValue:
        """NaN and infinity have no JSON number (RFC 8259, 6), so that they travel as their names."""
        del zone
        return float(value) if math.isfinite(value) else str(float(value))


def _number_text(raw: JSONValue) -> str | None:
    """Return a number's text in the plain ASCII form, or None when ``raw`` is no number of sane length."""
    if isinstance(raw, bool) or (isinstance(raw, int) and abs(raw) >= 10**_NUMBER_LENGTH):
        return None
    if isinstance(raw, (int, float)):
        raw = str(raw)
    if not isinstance(raw, str) or len(raw) > _NUMBER_LENGTH or not _NUMBER.fullmatch(raw.strip()):
        return None
    return raw.strip()


def _moderate(value: Decimal) -> bool:
    """Whether the digits fit the widest number that a comparison uses."""
    _sign, digits, exponent = value.as_tuple()
    places = -int(exponent)
    return places <= _DECIMAL_PLACES and len(digits) - places <= _DECIMAL_PLACES
