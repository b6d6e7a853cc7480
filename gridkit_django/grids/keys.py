"""The keys of groups: a level bound to its column, as an expression of the database and as a value on the wire."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import DateField, DateTimeField, F, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import TruncDate, TruncMonth, TruncQuarter, TruncWeek, TruncYear

from gridkit_django.exceptions import QueryError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column, DateColumn
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.columns.temporal import CalendarColumn
from gridkit_django.grids.groups import GroupTerm
from gridkit_django.grids.periods import Period, shifted, start_of
from gridkit_django.typing import JSONValue

OUTER = "gridkit_outer"

GROUPS_AT_ONCE = 200
"""Groups in one SQL query at most: SQLite takes conditions of a thousand parts and no more."""

_DIGITS_MAX = 1000
"""Digits before or behind the point of a number that some database stores: more than any model declares."""

_TRUNCATIONS = {
    Period.WEEK: TruncWeek,
    Period.MONTH: TruncMonth,
    Period.QUARTER: TruncQuarter,
    Period.YEAR: TruncYear,
}


@dataclass(frozen=True, slots=True)
class GroupKey:
    """One level of groups, bound to its column.

    Attributes:
        term: the level as it was asked for.
        column: the column that the rows are grouped by.
        key: the column of the keys: it knows their type, and is read by the name of the annotation.
        frame: the time zone and the database.
    """

    term: GroupTerm
    column: Column
    key: Column
    frame: Frame

    @property
    def expression(self) -> Combinable:
        """The key of a row, as an expression. Points in time are cut in the grid's zone."""
        path = self.column.path
        if self.term.by is None:
            return F(path)
        in_time = isinstance(self.column.value_field, DateTimeField)
        if self.term.by is Period.DAY:
            return TruncDate(path, tzinfo=self.frame.zone) if in_time else F(path)
        zone = {"tzinfo": self.frame.zone} if in_time else {}
        return _TRUNCATIONS[self.term.by](path, output_field=DateField(), **zone)

    def to_wire(self, value: Any) -> JSONValue:
        """Turn a key into its JSON form."""
        return self.key.to_wire(value, self.frame.zone)

    def label(self, value: Any) -> str | None:
        """Return what people read for a key, or None for the group of rows without a value."""
        if value is None:
            return None
        labels = dict(self.column.choices or ())
        wire = self.to_wire(value)
        return labels.get(wire, str(wire)) if isinstance(wire, (str, int)) else str(wire)

    def condition(self, raw: JSONValue, at: str) -> Q:
        """Return the condition "in the group with this key", on the raw column so that an index serves it.

        Args:
            raw: the key, as an answer gave it.
            at: where it stands in the request, for the error.

        Raises:
            QueryError: when no group can have such a key.
        """
        if raw is None:
            return Q((f"{self.column.path}__isnull", True))
        if self.term.by is None:
            value = _read_key(self.column, raw, at)
            with _key_of(self.column, at):
                return Q((f"{self.column.path}__exact", self.column.operand(value, self.frame)))
        first = _read_key(self.key, raw, at)
        if start_of(first, self.term.by) != first or not isinstance(self.column, CalendarColumn):
            raise _no_key(at, f"the first day of a {self.term.by}")
        end = _end(first, self.term.by, at)
        with _key_of(self.column, at):
            return self.column.within((first, end), self.frame)


def bind_key(access: GridAccess, term: GroupTerm, name: str, frame: Frame, at: str) -> GroupKey:
    """Bind a level of groups through the gate.

    Args:
        access: the gate that the column comes through.
        term: the level.
        name: the annotation that the keys are read by.
        frame: the time zone and the database.
        at: where the level stands in the request (JSON Pointer).

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: when the rows can't be grouped by it, or not by this period.
    """
    column = access.column(term.col, at)
    if not column.groupable:
        raise QueryError.at(at, f"The rows can't be grouped by the column {column.id!r}.")
    if term.by is not None and term.by not in column.periods:
        raise QueryError.at(at, f"The column {column.id!r} holds no days, so it has no periods to group by.")
    key = copy.copy(column if term.by is None else DateColumn())
    key.id, key.path, key.nullable = column.id, name, column.nullable
    key.field, key.value_field, key.own = column.field, column.value_field, False
    return GroupKey(term, column, key, frame)


def bind_outer(access: GridAccess, terms: Sequence[GroupTerm], frame: Frame) -> tuple[GroupKey, ...]:
    """Bind the levels around a level or around rows, to be read beside them. Raises as ``bind_key`` does."""
    return tuple(
        bind_key(access, term, f"{OUTER}{index}", frame, f"/group/{index}") for index, term in enumerate(terms)
    )


def in_groups(keys: Sequence[GroupKey], paths: Sequence[Sequence[JSONValue]]) -> Q:
    """Return the condition "in one of these groups".

    Args:
        keys: the levels, outermost first.
        paths: the groups, each by a key for every level.

    Raises:
        QueryError: when no group can have such a key.
    """
    found = Q()
    for path in paths:
        group = Q()
        for index, (key, raw) in enumerate(zip(keys, path, strict=True)):
            group &= key.condition(raw, f"/path/{index}")
        found |= group
    return found


def _read_key(column: Column, raw: JSONValue, at: str) -> Any:
    """Turn a key on the wire into a Python value that the column's field takes.

    A key may be a value that a filter could not name, like a choice that has left its list; so it is read as a cursor's
    would be, and then judged by the model's field.
    """
    with _key_of(column, at):
        value = column.from_cursor(raw)
        value = value if isinstance(column, DateColumn) else column.value_field.to_python(value)
        if value is None or (isinstance(value, Decimal) and not _storable_number(value)):
            raise ValueError(raw)
        return value


def _storable_number(value: Decimal) -> bool:
    return value.is_finite() and abs(value.adjusted()) <= _DIGITS_MAX


@contextmanager
def _key_of(column: Column, at: str) -> Iterator[None]:
    """Tell what can't be a value of the column as what is no key of a group."""
    try:
        yield
    except (ValidationError, QueryError, ValueError, TypeError, ArithmeticError) as error:
        raise _no_key(at, f"a value of the column {column.id!r}, as an answer gave it") from error


def _end(first: date, period: Period, at: str) -> date:
    try:
        return shifted(first, period, 1)
    except (ValueError, OverflowError) as error:
        raise _no_key(at, "a day of the years 1 to 9998") from error


def _no_key(at: str, expected: str) -> QueryError:
    return QueryError.at(at, f"This is no key of a group: expected {expected}.")
