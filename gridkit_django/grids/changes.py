"""Reads the changes of an edit: each column through the gate, each value by its column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.backends.base.operations import BaseDatabaseOperations

from gridkit_django.audit import json_value
from gridkit_django.exceptions import (
    AuditError,
    ColumnNotEditableError,
    EditInvalidError,
    ErrorItem,
    FilterValueError,
)
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column, DateTimeColumn, JSONColumn
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.lookups import is_option
from gridkit_django.grids.pointers import pointer

CHANGES = "changes"
"""The member of a body that holds the new values of a row; pointers to them begin with it."""

VALUES = "values"
"""The member of a body that holds the values of a new row."""

NO_OPTION = "This is none of the values to choose from."


def read_changes(access: GridAccess, raw: Mapping[str, Any], frame: Frame, at: str = CHANGES) -> dict[str, Any]:
    """Turn an edit's JSON into Python values by column id. Nothing is assigned that was not declared editable.

    Args:
        access: the grid and the user.
        raw: column id to JSON value.
        frame: the zone in which local times are meant, and the database.
        at: the member of the body that holds them, for pointers.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see: the same answer.
        ColumnNotEditableError: for a column that the user may see but not change.
        EditInvalidError: for values that do not fit their columns, or are not among those to choose from; it lists
            all of them.
    """
    if not isinstance(raw, Mapping):
        raise EditInvalidError.at(pointer(at), f"The {at} are no JSON object of column to value.")
    columns = [editable_column(access, name, at) for name in raw]
    _refuse_two_of_one_field(columns, at)
    values: dict[str, Any] = {}
    faults: list[ErrorItem] = []
    for column in columns:
        try:
            values[column.id] = _value(column, raw[column.id], frame)
            fault = "" if is_option(access, column, values[column.id]) else NO_OPTION
        except FilterValueError as error:
            fault = error.detail
        if fault:
            faults.append(ErrorItem(pointer(at, column.id), EditInvalidError.code, fault))
    if faults:
        raise EditInvalidError("Some values do not fit their columns. Nothing was saved.", errors=faults)
    return values


def editable_column(access: GridAccess, name: str, at: str) -> Column:
    """Return a column whose values the user may change.

    Args:
        access: the grid and the user.
        name: id of the column.
        at: the member of the body that names it, for the pointer.

    Raises:
        UnknownColumnError, ColumnNotEditableError: as ``read_changes``.
    """
    column = access.column(name, pointer(at, name))
    if column not in access.editable_columns:
        raise ColumnNotEditableError.at(
            pointer(at, name), f"The column {name!r} can't be edited. Leave it out of the {at}."
        )
    return column


def _refuse_two_of_one_field(columns: list[Column], at: str) -> None:
    """Refuse two columns over one field: whichever came last would win in silence."""
    taken: dict[str, str] = {}
    for column in columns:
        first = taken.setdefault(column.field.name, column.id)
        if first != column.id:
            raise EditInvalidError.at(
                pointer(at, column.id),
                f"The columns {first!r} and {column.id!r} show the same value. Change one of them.",
            )


def _value(column: Column, raw: Any, frame: Frame) -> Any:
    """Return the Python value of one cell.

    Raises:
        FilterValueError: when the value does not fit the column.
    """
    field = column.field
    if raw is None:
        return _no_value(column)
    if raw == "" and field.blank and field.empty_strings_allowed:
        return ""
    if isinstance(column, JSONColumn):
        return _document(raw)
    value = column.clean(raw)
    if isinstance(value, int):
        _require_room(column, value)
    return column.operand(value, frame) if isinstance(column, DateTimeColumn) else value


def _require_room(column: Column, value: int) -> None:
    """Refuse a whole number that the field's type has no room for.

    PostgreSQL refuses it by itself; SQLite stores any 64 bits, and such a row could then not move to another database.
    Django's common ranges are those of the SQL types.

    Raises:
        FilterValueError: when the value is out of the range.
    """
    ranges = BaseDatabaseOperations.integer_field_ranges
    low, high = ranges.get(column.field.get_internal_type(), (value, value))
    if not low <= value <= high:
        raise FilterValueError(
            f"The value does not fit the column {column.id!r}: expected a number from {low} to {high}."
        )


def _no_value(column: Column) -> str | None:
    """Return what "no value" is in this column: NULL, or the empty text where NULL is not allowed but blank is."""
    if column.field.null:
        return None
    if column.field.blank and column.field.empty_strings_allowed:
        return ""
    raise FilterValueError(f"The column {column.id!r} needs a value.")


def _document(raw: Any) -> Any:
    """Return a JSON document that every database stores as it is."""
    expected = "Expected a JSON document of moderate depth, without NUL characters, lone surrogates, NaN and infinity."
    try:
        stored = json_value(raw)
    except AuditError as error:
        raise FilterValueError(expected) from error
    if stored != raw:
        raise FilterValueError(expected)
    return raw
