"""Spans of calendar days: the periods that points in time are grouped by, and the spans that are relative to today.

Weeks begin on Monday (ISO 8601).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

Span: TypeAlias = tuple[date, date]
"""The first day, and the first day after the end."""


class Period(StrEnum):
    """A period of the calendar."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


def start_of(day: date, period: Period) -> date:
    """Return the first day of the period that a day lies in."""
    match period:
        case Period.DAY:
            return day
        case Period.WEEK:
            return day - timedelta(days=day.weekday())
        case Period.MONTH:
            return day.replace(day=1)
        case Period.QUARTER:
            return day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1)
        case Period.YEAR:
            return day.replace(month=1, day=1)


def shifted(start: date, period: Period, by: int) -> date:
    """Return the first day of the period that comes ``by`` periods after the one that begins at ``start``."""
    match period:
        case Period.DAY:
            return start + timedelta(days=by)
        case Period.WEEK:
            return start + timedelta(weeks=by)
        case _:
            months = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}[period] * by
            years, month = divmod(start.month - 1 + months, 12)
            return start.replace(year=start.year + years, month=month + 1)


def span_of(day: date, period: Period, by: int = 0) -> Span:
    """Return the period that comes ``by`` periods after the one that a day lies in."""
    start = shifted(start_of(day, period), period, by)
    return start, shifted(start, period, 1)


def _around(period: Period, by: int) -> Callable[[date], Span]:
    return lambda today: span_of(today, period, by)


def _last_days(count: int) -> Callable[[date], Span]:
    """The last ``count`` days, today included."""
    return lambda today: (today - timedelta(days=count - 1), today + timedelta(days=1))


def _last_months(count: int) -> Callable[[date], Span]:
    """The last ``count`` whole months and the present one up to today."""
    return lambda today: (shifted(start_of(today, Period.MONTH), Period.MONTH, -count), today + timedelta(days=1))


def _year_to_date(today: date) -> Span:
    return start_of(today, Period.YEAR), today + timedelta(days=1)


PRESETS: Mapping[str, Callable[[date], Span]] = MappingProxyType(
    {
        "today": _around(Period.DAY, 0),
        "yesterday": _around(Period.DAY, -1),
        "tomorrow": _around(Period.DAY, 1),
        "thisWeek": _around(Period.WEEK, 0),
        "lastWeek": _around(Period.WEEK, -1),
        "nextWeek": _around(Period.WEEK, 1),
        "thisMonth": _around(Period.MONTH, 0),
        "lastMonth": _around(Period.MONTH, -1),
        "nextMonth": _around(Period.MONTH, 1),
        "thisQuarter": _around(Period.QUARTER, 0),
        "lastQuarter": _around(Period.QUARTER, -1),
        "nextQuarter": _around(Period.QUARTER, 1),
        "thisYear": _around(Period.YEAR, 0),
        "lastYear": _around(Period.YEAR, -1),
        "nextYear": _around(Period.YEAR, 1),
        "yearToDate": _year_to_date,
        "last7Days": _last_days(7),
        "last30Days": _last_days(30),
        "last90Days": _last_days(90),
        "last6Months": _last_months(6),
        "last12Months": _last_months(12),
        "last24Months": _last_months(24),
    }
)
"""Spans by their names on the wire, as functions of today."""
