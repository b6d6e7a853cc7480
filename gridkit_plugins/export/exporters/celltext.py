"""How a value reads as text, in the formats that know only text; PostgreSQL gives the same text for the same value."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from json.encoder import encode_basestring
from types import MappingProxyType
from typing import Any
from uuid import UUID

_UNUSUAL_NUMBER = re.compile(r"\de[+-]?\d|-0\.0|NaN|Infinity")
_EXPONENT_FROM = 1e15
"""From here on PostgreSQL writes floats with an exponent; Python waits until 1e16."""


def cell_text(value: Any) -> str:
    """Return ``value`` as exact text.

    Nothing is rounded and nothing depends on a locale: decimals keep every digit and never use an exponent, points in
    time are ISO 8601 with their offset, floats are the shortest text that gives the same float, JSON is as in
    PostgreSQL's ``jsonb``, and NULL is the empty text.
    """
    if isinstance(value, str):
        return value
    writing = _WRITINGS.get(type(value)) or next(
        (writing for kind, writing in _WRITINGS.items() if isinstance(value, kind)), str
    )
    return writing(value)


def float_text(value: float) -> str:
    """Return the shortest text that gives the same float again, in PostgreSQL's form."""
    if abs(value) < _EXPONENT_FROM:
        text = repr(value)
        return text.removesuffix(".0")
    if not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return _large_float_text(value)


def _large_float_text(value: float) -> str:
    """Return the text with the fewest digits that lies nearer to this float than to any other.

    Python also takes a text that lies just between two floats and is rounded to this one; PostgreSQL does not.
    """
    whole, step = int(abs(value)), int(math.ulp(value))
    halves = (2 * whole + step, whole + int(math.nextafter(abs(value), 0))) if step > 1 else ()
    for digits in range(17):
        text = f"{value:.{digits}e}"
        if float(text) == value and 2 * abs(int(Decimal(text))) not in halves:
            break
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{exponent}"


def moment_text(value: datetime | time) -> str:
    """Return a point in time or a time of day in ISO 8601, without zeros at the end of a fraction."""
    text = value.isoformat()
    if not value.microsecond:
        return text
    end = text.index(".") + 7
    return text[:end].rstrip("0") + text[end:]


def document_text(value: Any) -> str:
    """Return a JSON value as text; numbers are written out, as ``jsonb`` keeps them."""
    text = json.dumps(value, ensure_ascii=False)
    return _document(value) if _UNUSUAL_NUMBER.search(text) else text


def json_text(value: Any) -> str:
    """Return any value of a row as JSON text.

    Decimals are strings, since a JSON number would lose digits in most readers. A float that JSON can't hold (NaN and
    the infinities, RFC 8259 section 6) is null.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "null"
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, (dict, list)):
        return document_text(value)
    if isinstance(value, (bool, int, float)):
        return cell_text(value)
    if isinstance(value, (Decimal, date, time, UUID)):
        return f'"{cell_text(value)}"'
    return encode_basestring(cell_text(value))


def _document(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{encode_basestring(key)}: {_document(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_document, value)) + "]"
    if isinstance(value, float) and math.isfinite(value):
        return "0.0" if not value else format(Decimal(repr(value)), "f")
    return json_text(value)


_WRITINGS: Mapping[type[Any], Callable[[Any], str]] = MappingProxyType(
    {
        type(None): lambda _value: "",
        bool: lambda value: "true" if value else "false",
        Decimal: lambda value: format(value, "f"),
        float: float_text,
        time: moment_text,
        datetime: moment_text,
        date: date.isoformat,
        dict: document_text,
        list: document_text,
    }
)
