"""What a driver returns for a column, as the JSON value that records keep."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from gridkit_django.audit.values import json_value, storable_text
from gridkit_django.exceptions import AuditError
from gridkit_django.typing import JSONValue

Reader: TypeAlias = Callable[[Any], JSONValue]
Field: TypeAlias = "models.Field[Any, Any]"


def keeps_nothing(field: Field, connection: BaseDatabaseWrapper) -> bool:
    """Whether the reader of a field makes None of NULL for sure, since nobody's code looks at it."""
    column = field.get_col(field.model._meta.db_table)
    return not connection.ops.get_db_converters(column) and not column.get_db_converters(connection)


def reader_of(field: Field, connection: BaseDatabaseWrapper) -> Reader:
    """Return what turns the driver's value of a column into the value of a record.

    The value passes Django's own converters first, so that it is the same on every database.

    Args:
        field: a concrete field.
        connection: any connection of the alias.
    """
    column = field.get_col(field.model._meta.db_table)
    converters = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
    written = writer_of(field)
    if not converters:
        return written

    if len(converters) == 1:
        convert_once = converters[0]
        return lambda raw: written(convert_once(raw, column, connection))

    def read(raw: Any) -> JSONValue:
        value = raw
        for convert in converters:
            value = convert(value, column, connection)
        return written(value)

    return read


def differs(before: JSONValue, after: JSONValue) -> bool:
    """Whether two JSON values are not the same; to JSON ``1``, ``1.0`` and ``true`` are three values."""
    if before is None or after is None:
        return before is not after
    if type(before) is not type(after):
        return True
    if isinstance(before, (dict, list)):
        return _text_of(before) != _text_of(after)
    return before != after


def key_text(values: Sequence[Any]) -> str:
    """Return a primary key as text; one of several columns as a JSON list, as the databases write it."""
    if len(values) == 1:
        return str(values[0])
    return json.dumps([json_value(value) for value in values], ensure_ascii=False, separators=(",", ":"))


def writer_of(field: Field) -> Reader:
    """Return what writes a Python value of a field as the value of a record."""
    shown: Any = field
    while isinstance(shown, models.ForeignKey):
        shown = shown.target_field
    if isinstance(shown, models.JSONField):
        return _document(shown)
    if isinstance(shown, models.DecimalField):
        return _decimal
    if isinstance(shown, models.DateTimeField):
        return _moment
    return plain_value if getattr(shown, "range_type", None) is None else _range(shown)


def plain_value(value: Any) -> JSONValue:
    """Return a value that needs no form of its own: texts (as they can be stored), numbers and truths as they are."""
    if value is None or value is True or value is False or type(value) is int:
        return value
    if type(value) is str:
        return storable_text(value)
    if type(value) is float and math.isfinite(value):
        return value
    try:
        return json_value(value)
    except AuditError:
        return json_value(str(value))


def _decimal(value: Any) -> JSONValue:
    return format(value, "f") if isinstance(value, Decimal) else plain_value(value)


def _moment(value: Any) -> JSONValue:
    if isinstance(value, datetime) and timezone.is_aware(value):
        return value.astimezone(UTC).isoformat()
    return plain_value(value)


def _range(field: Any) -> Reader:
    """Return what writes a range of PostgreSQL: its ends, each as a value of its own kind, within its brackets."""
    write_end = writer_of(field.base_field)

    def write(value: Any) -> JSONValue:
        if value is None or isinstance(value, str):
            return plain_value(value)
        if value.isempty:
            return "empty"
        lower, upper = ("" if end is None else write_end(end) for end in (value.lower, value.upper))
        return f"{'[' if value.lower_inc else '('}{lower},{upper}{']' if value.upper_inc else ')'}"

    return write


DOCUMENT_DEPTH_MAX = 256
"""Levels of a JSON field at most. A document that Django could write must not be refused for being told."""


def _document(field: models.JSONField[Any, Any]) -> Reader:
    def write(value: Any) -> JSONValue:
        if field.encoder is not None or field.decoder is not None:
            value = json.loads(json.dumps(value, cls=field.encoder))
        return json_value(value, depth=DOCUMENT_DEPTH_MAX)

    return write


def _text_of(value: JSONValue) -> str:
    return json.dumps(value, sort_keys=True)
