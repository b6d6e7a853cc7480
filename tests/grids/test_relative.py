"""Spans relative to today, to the day in the grid's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from gridkit_django.exceptions import FilterValueError, UnknownOperatorError
from gridkit_django.grids.periods import PRESETS, Period, shifted, span_of, start_of
from tests.grids.shop import ProductGrid, ask, found, make_products, values

TODAY = date(2024, 2, 29)


@pytest.mark.parametrize(
    ("name", "first", "end"),
    [
        ("today", "2024-02-29", "2024-03-01"),
        ("yesterday", "2024-02-28", "2024-02-29"),
        ("tomorrow", "2024-03-01", "2024-03-02"),
        ("thisWeek", "2024-02-26", "2024-03-04"),
        ("lastWeek", "2024-02-19", "2024-02-26"),
        ("nextWeek", "2024-03-04", "2024-03-11"),
        ("thisMonth", "2024-02-01", "2024-03-01"),
        ("lastMonth", "2024-01-01", "2024-02-01"),
        ("nextMonth", "2024-03-01", "2024-04-01"),
        ("thisQuarter", "2024-01-01", "2024-04-01"),
        ("lastQuarter", "2023-10-01", "2024-01-01"),
        ("nextQuarter", "2024-04-01", "2024-07-01"),
        ("thisYear", "2024-01-01", "2025-01-01"),
        ("lastYear", "2023-01-01", "2024-01-01"),
        ("nextYear", "2025-01-01", "2026-01-01"),
        ("yearToDate", "2024-01-01", "2024-03-01"),
        ("last7Days", "2024-02-23", "2024-03-01"),
        ("last30Days", "2024-01-31", "2024-03-01"),
        ("last90Days", "2023-12-02", "2024-03-01"),
        ("last6Months", "2023-08-01", "2024-03-01"),
        ("last12Months", "2023-02-01", "2024-03-01"),
        ("last24Months", "2022-02-01", "2024-03-01"),
    ],
)
def test_span_is_half_open(name: str, first: str, end: str) -> None:
    assert PRESETS[name](TODAY) == (date.fromisoformat(first), date.fromisoformat(end))


def test_every_span_has_a_test() -> None:
    assert len(PRESETS) == 22


@pytest.mark.parametrize("period", list(Period))
def test_periods_follow_each_other_without_gap(period: Period) -> None:
    day = date(2023, 1, 1)
    while day < date(2025, 1, 1):
        first, end = span_of(day, period)
        assert first <= day < end
        assert start_of(first, period) == first
        assert shifted(end, period, -1) == first
        day += timedelta(days=1)


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("op", "expected"), [("relative", ["P001", "P002"]), ("not", ["P000", "P003", "P004"])], ids=["is", "is not"]
)
def test_today_is_a_day_of_the_grids_zone(op: str, expected: list[str]) -> None:
    now = datetime(2024, 3, 11, 3, 0, tzinfo=UTC)  # still the 10th in New York, where clocks changed that night
    moments = (
        datetime(2024, 3, 10, 4, 59, tzinfo=UTC),
        datetime(2024, 3, 10, 5, 0, tzinfo=UTC),
        datetime(2024, 3, 11, 3, 59, tzinfo=UTC),
        datetime(2024, 3, 11, 4, 0, tzinfo=UTC),
        None,
    )
    make_products([{"restocked": moment} for moment in moments])
    with mock.patch("django.utils.timezone.now", return_value=now):
        assert _found(op) == expected


def _found(op: str) -> list[Any]:
    leaf = {"col": "restocked", "op": "relative", "value": "today"}
    page = ask(ProductGrid, filter=leaf if op == "relative" else {"not": leaf}, sort=[{"col": "sku"}])
    return values(page, "sku")


@pytest.mark.django_db
def test_unknown_span_and_column_without_days_are_refused() -> None:
    with pytest.raises(FilterValueError, match="one of today, yesterday"):
        found(ProductGrid, "released", "relative", "someday")
    with pytest.raises(UnknownOperatorError):
        found(ProductGrid, "stock", "relative", "today")
