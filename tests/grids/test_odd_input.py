"""Odd but well-formed questions: each is answered or refused, and never ends in an error of the database."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from gridkit_django.exceptions import GridKitError
from gridkit_django.grids import GridAccess
from gridkit_django.grids.selection import Selection
from tests.grids.shop import ADMIN, OrderGrid, ProductGrid, ask, make_orders, make_products

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.unmeasured]

NUMBERS: list[Any] = [
    0,
    -1,
    2**31,
    -(2**31) - 1,
    2**63 - 1,
    -(2**63),
    2**63,
    2**64,
    10**60,
    10**400,
    -0.0,
    1e308,
    5e-324,
    0.1,
    "1e400",
    "1e-400",
    "-0",
    "9" * 60,
    "0." + "0" * 50 + "1",
    "NaN",
    "Infinity",
    "-inf",
    "sNaN",
    "1E+999999",
    "1E-999999",
    "0x10",
    "1_000",
    "٣",
    "",
    " ",
    True,
]
MOMENTS: list[Any] = [
    "0001-01-01",
    "9999-12-31",
    "0002-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59.999999-14:00",
    "9998-12-31T23:59:59-23:59",
    "2024-01-01T00:00:00+23:59:59.999999",
    "2024-02-30",
    "2024-01-01T25:00:00",
    "2024-01-01T24:00:00",
    "2024-W01-1",
    "20240101",
    "0000-00-00",
    "today",
    5,
    "23:59:59.999999",
    "24:00",
    "12:00+01:00",
    "12",
]
TEXTS: list[Any] = [
    "%",
    "_",
    "\\",
    "'",
    '"',
    "a\\",
    "[",
    "(",
    "(?P<x>",
    "\\d",
    "\u0130",
    "ß",
    "\U0001f600" * 50,
    "\ufeff",
    "a" * 5000,
]
VALUES = [*NUMBERS, *MOMENTS, *TEXTS, None, [], {}]
COLUMNS = list(ProductGrid.columns())
OPERATORS = (("eq", "ne"), ("lt", "gte"), ("in", "nin"), ("between",), ("contains", "ends"), ("relative",))
"""Of those that take a value alike, columns and values have one in turn."""


def outcome(query: dict[str, Any]) -> str:
    """How a question ends: everything but a page or an error of GridKit's tree passes through."""
    try:
        ask(ProductGrid, **query)
    except GridKitError as error:
        return error.code
    return "answered"


@pytest.fixture
def shelf() -> None:
    make_products(
        [
            {"sku": "A", "released": date(2024, 1, 1), "opens": time(9), "rating": 1.5, "discount": Decimal("1.5")},
            {"sku": "B", "restocked": datetime(2024, 1, 1, tzinfo=UTC), "description": "x%_\\'", "stock": -5},
        ]
    )


@pytest.mark.parametrize("column", COLUMNS)
def test_filter_by_any_value_is_answered_or_refused(column: str, shelf: None) -> None:
    for number, value in enumerate(VALUES, COLUMNS.index(column)):
        for alike in OPERATORS:
            op = alike[number % len(alike)]
            operand = [value, None] if op in ("in", "nin") else value
            condition = {"col": column, "op": op, "value": operand}
            outcome({"filter": {**condition, "to": value} if op == "between" else condition, "count": "none"})


@pytest.mark.parametrize("column", COLUMNS)
def test_path_of_any_key_is_answered_or_refused(column: str, shelf: None) -> None:
    for value in VALUES:
        outcome({"group": [column], "path": [value]})
        outcome({"group": [column, "sku"], "path": [value]})
        outcome({"group": [{"col": column, "by": "week"}, "sku"], "path": [value]})


def test_search_for_any_text_is_answered_or_refused(shelf: None) -> None:
    for value in VALUES:
        outcome({"search": value})


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("restocked", [str(date(2020, 1, 1) + timedelta(days=day)) for day in range(1000)]),
        ("name", [f"name {number}" for number in range(1000)]),
        ("name", [f"näme {number}" for number in range(1000)]),
        ("stock", list(range(1000))),
    ],
)
def test_as_many_values_as_the_limits_allow_are_answered_or_refused(
    column: str, values: list[Any], shelf: None
) -> None:
    one = {"col": column, "op": "in", "value": values}
    assert outcome({"filter": one}) == "answered"
    assert outcome({"filter": {"not": one}}) == "answered"
    assert outcome({"filter": {"or": [one] * 6}, "count": "exact"}) == "query-limit-exceeded"


@pytest.mark.parametrize(
    "tz", ["posix/Europe/Paris", "right/UTC", "Factory", "localtime", "posixrules", "GMT0", "EST5EDT"]
)
def test_zone_that_only_one_side_knows_is_answered_or_refused(tz: str, shelf: None) -> None:
    for group in ({"col": "restocked", "by": "month"}, {"col": "restocked", "by": "day"}):
        assert outcome({"tz": tz, "group": [group]}) in ("answered", "query-not-computable")
    assert outcome({"tz": tz, "filter": {"col": "restocked", "op": "relative", "value": "today"}}) in (
        "answered",
        "query-not-computable",
    )


def test_sum_that_no_number_of_the_database_holds_is_refused(shelf: None) -> None:
    make_products([{"sku": f"F{number}", "rating": 1.7e308} for number in range(3)])
    total = {"aggregates": [{"col": "rating", "fn": "sum"}, {"col": "rating", "fn": "avg"}], "include": ["totals"]}
    assert outcome(total) in ("answered", "query-not-computable")
    assert outcome({**total, "group": ["category"]}) in ("answered", "query-not-computable")
    if connection.vendor == "sqlite":
        make_products([{"sku": f"G{number}", "stock": 2**62} for number in range(3)])
        assert outcome({"aggregates": [{"col": "stock", "fn": "sum"}], "include": ["totals"]}) == "query-not-computable"


def test_selection_of_keys_that_no_row_can_have_selects_nothing() -> None:
    make_orders(2)
    access = GridAccess(OrderGrid, ADMIN)
    keys = [value for value in VALUES if isinstance(value, int | str)]
    raw = {"include": keys, "exclude": keys, "query": {"filter": {"col": "id", "op": "in", "value": [2**63 - 1]}}}
    assert Selection.from_dict(raw).rows(access, "default").count() == 0
