"""Python values as JSON values, without losing a digit: what a record keeps must be what was there.

Django's own JSON encoder cuts datetimes to milliseconds, and JSON numbers cut long decimals; so both become text here.
PostgreSQL's ``jsonb`` takes neither U+0000 nor half a surrogate pair: both become U+FFFD, the replacement character.
"""

from __future__ import annotations

import base64
import math
import re
import uuid
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from django.db.models.fields.files import FieldFile
from django.utils.duration import duration_iso_string
from django.utils.functional import Promise

from gridkit_django.exceptions import AuditError
from gridkit_django.typing import JSONValue, MutableJSONObject

DEPTH_MAX = 32
"""Levels of lists and objects in one value at most; deeper is a mistake or a circle."""

_SCALE_MAX = 1000
"""Decimal places that a column can have in PostgreSQL."""

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def json_object(values: Mapping[str, Any]) -> MutableJSONObject:
    """Return a mapping as a JSON object, see ``json_value``.

    Raises:
        AuditError: when a value has no exact JSON form.
    """
    return {storable_text(str(key)): json_value(value) for key, value in values.items()}


def json_value(value: Any, *, depth: int = DEPTH_MAX) -> JSONValue:
    """Return ``value`` as JSON.

    Decimals and UUIDs become their text, dates, times and datetimes ISO 8601 with every digit, durations ISO 8601,
    bytes base64, enumeration members their values, and floats that JSON has no number for ``"NaN"``, ``"Infinity"``
    or ``"-Infinity"``.

    Args:
        value: a plain Python value, or lists and mappings of them.
        depth: levels of lists and mappings that are still allowed.

    Raises:
        AuditError: for a value with no exact JSON form (a model instance, for example), or one that is too deep.
    """
    if type(value) is str and depth >= 0:
        return storable_text(value)
    if depth < 0:
        raise AuditError(
            "A value for an audit record has too many levels. Record its parts, or do not follow the field."
        )
    if isinstance(value, Mapping):
        return {storable_text(str(key)): json_value(item, depth=depth - 1) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((json_value(item, depth=depth - 1) for item in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [json_value(item, depth=depth - 1) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> JSONValue:
    if isinstance(value, Enum):
        return _scalar(value.value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _non_finite(value)
    return storable_text(_written(value))


def _non_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _written(value: Any) -> str:
    """Return the exact text of a value that JSON has no type for."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, Decimal):
        return _digits(value)
    if isinstance(value, (str, uuid.UUID, Promise, FieldFile)):
        return str(value)
    raise AuditError(
        f"A value of type {type(value).__qualname__} has no exact JSON form. Record plain values: ids, texts, numbers, "
        "dates, or lists and mappings of them."
    )


def _digits(value: Decimal) -> str:
    """Return a decimal as databases write it: without an exponent, unless the text would be long for nothing."""
    exponent = value.as_tuple().exponent
    return format(value, "f") if isinstance(exponent, int) and -_SCALE_MAX <= exponent <= 0 else str(value)


def storable_text(value: str) -> str:
    """Return a text with the replacement character for what ``jsonb`` can't hold."""
    if value.isascii() and "\x00" not in value:
        return value
    return _NOT_STORABLE.sub("\ufffd", value)
