"""Days, points in time and times of day, in ISO 8601 on the wire."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings as django_settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import TruncDate
from django.db.models.lookups import In
from django.utils import timezone

from gridkit_django.grids.columns.base import OrderedColumn
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.operators import TEMPORAL, Op
from gridkit_django.grids.periods import PRESETS, Period, Span
from gridkit_django.typing import JSONValue

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAYS_IN_TURN = 200
_YEARS = range(2, 9999)  # the first and the last year can't be moved between time zones


class CalendarColumn(OrderedColumn):
    """What days and points in time share: spans that are relative to today, and periods to group by."""

    operators = TEMPORAL
    periods = tuple(Period)

    def clean_for(self, op: Op, raw: JSONValue) -> Any:
        """Accept the name of a span for ``relative``, and a value for all other operators.

        Raises:
            FilterValueError: for an unknown name, or a value that does not fit.
        """
        if op is not Op.RELATIVE:
            return self.clean(raw)
        if not isinstance(raw, str) or raw not in PRESETS:
            raise self._refuse(f"one of {', '.join(PRESETS)}")
        return raw

    def condition(self, op: Op, value: Any, to: Any, frame: Frame) -> Q:
        """Return the condition of a positive operator; ``relative`` is a half-open span in the grid's zone."""
        if op is not Op.RELATIVE:
            return super().condition(op, value, to, frame)
        return self.within(PRESETS[value](timezone.localdate(timezone=frame.zone)), frame)

    def within(self, span: Span, frame: Frame) -> Q:
        """Return the condition "from the first day of a span up to but not including its end"."""
        first, end = span
        return self.compare(Op.GTE, first, frame) & self.compare(Op.LT, end, frame)


class DateColumn(CalendarColumn):
    """Calendar days."""

    type = "date"
    fields = (models.DateField,)
    excluded_fields = (models.DateTimeField,)

    def clean(self, raw: JSONValue) -> date:
        """Accept a day as ``YYYY-MM-DD``.

        Raises:
            FilterValueError: for anything else.
        """
        if not isinstance(raw, str) or not _DAY.fullmatch(raw):
            raise self._refuse("a day as YYYY-MM-DD")
        try:
            return date.fromisoformat(raw)
        except ValueError as error:
            raise self._refuse("a day as YYYY-MM-DD") from error

    def _wire(self, value: Any, zone: tzinfo | None) -> JSONValue:
        del zone
        return str(value.isoformat())


class TimeColumn(OrderedColumn):
    """Times of day, without a zone."""

    type = "time"
    fields = (models.TimeField,)

    def clean(self, raw: JSONValue) -> time:
        """Accept a time of day as ``HH:MM[:SS[.ffffff]]``.

        Raises:
            FilterValueError: for anything else, and for a time with an offset.
        """
        if not isinstance(raw, str) or ":" not in raw:
            raise self._refuse("a time as HH:MM:SS")
        try:
            value = time.fromisoformat(raw)
        except ValueError as error:
            raise self._refuse("a time as HH:MM:SS") from error
        if value.tzinfo is not None:
            raise self._refuse("a time without an offset")
        return value

    def _wire(self, value: Any, zone: tzinfo | None) -> JSONValue:
        del zone
        return str(value.isoformat())


class DateTimeColumn(CalendarColumn):
    """Points in time.

    A filter may name a point in time or a whole day. A day means the half-open span from its first moment to the
    first moment of the next day, in the grid's time zone: ``eq`` is within the day, ``gt`` after its end, ``lte`` up
    to its end. A point without an offset is local to that zone too.
    """

    type = "datetime"
    fields = (models.DateTimeField,)

    def clean(self, raw: JSONValue) -> date | datetime:
        """Accept a day as ``YYYY-MM-DD`` or a point in time in ISO 8601.

        Raises:
            FilterValueError: for anything else.
        """
        expected = "a point in time in ISO 8601, or a day as YYYY-MM-DD, of the years 2 to 9998"
        if not isinstance(raw, str):
            raise self._refuse(expected)
        try:
            value = date.fromisoformat(raw) if _DAY.fullmatch(raw) else datetime.fromisoformat(raw)
        except ValueError as error:
            raise self._refuse(expected) from error
        if value.year not in _YEARS:
            raise self._refuse(expected)
        return value

    def operand(self, value: Any, frame: Frame) -> Any:
        """Turn a point in time into what the database stores: aware with USE_TZ, else local to the zone."""
        if not isinstance(value, datetime):
            value = datetime.combine(value, time.min)
        return _stored(value, frame.zone)

    def compare(self, op: Op, value: Any, frame: Frame) -> Q:
        """Return the condition of ``eq`` or an ordered comparison with a point or a day."""
        if isinstance(value, datetime):
            return super().compare(op, value, frame)
        next_day = value + timedelta(days=1)
        match op:
            case Op.EQ:
                return super().compare(Op.GTE, value, frame) & super().compare(Op.LT, next_day, frame)
            case Op.GT:
                return super().compare(Op.GTE, next_day, frame)
            case Op.LTE:
                return super().compare(Op.LT, next_day, frame)
            case _:
                return super().compare(op, value, frame)

    def equal_to_any(self, values: Sequence[Any], frame: Frame) -> Q:
        """Return the condition "one of these points, or on one of these days"."""
        points = [value for value in values if isinstance(value, datetime)]
        named = [value for value in values if not isinstance(value, datetime)]
        if frame.vendor == "sqlite" and len(named) > _DAYS_IN_TURN:
            # SQLite takes a thousand conditions in turn at most, so that the day of each row is looked up instead.
            days = [Q(In(TruncDate(self.path, tzinfo=frame.zone), named))]
        else:
            days = [self.compare(Op.EQ, value, frame) for value in named]
        return reduce(or_, [*days, *([super().equal_to_any(points, frame)] if points else [])])

    def to_wires(self, values: Sequence[Any], zone: tzinfo | None = None) -> Sequence[JSONValue]:
        """Turn many points into their ISO form; a point that is in the zone already is left there."""
        if zone is None or not self._writes_as(DateTimeColumn):
            return super().to_wires(values, zone)
        return [
            None
            if point is None
            else (point if point.tzinfo is None or point.tzinfo is zone else point.astimezone(zone)).isoformat()
            for point in values
        ]

    def to_cursor(self, value: Any) -> JSONValue:
        """A cursor holds the point itself, whatever zone it is shown in."""
        return None if value is None else str(value.isoformat())

    def from_cursor(self, raw: JSONValue) -> Any:
        """A cursor stands on a stored point, of any year."""
        return datetime.fromisoformat(raw) if isinstance(raw, str) else None

    def _wire(self, value: Any, zone: tzinfo | None) -> JSONValue:
        if zone is not None and timezone.is_aware(value):
            value = value.astimezone(zone)
        return str(value.isoformat())


def _stored(value: datetime, zone: tzinfo) -> datetime:
    """Give a point in time the form that the project's ``USE_TZ`` asks for.

    In UTC, because PostgreSQL takes no offset of sixteen hours or more, which ISO 8601 does.
    """
    if timezone.is_naive(value):
        value = value.replace(tzinfo=zone)
    return value.astimezone(UTC) if django_settings.USE_TZ else timezone.make_naive(value, zone)
