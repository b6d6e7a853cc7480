"""What is inside many groups, asked at once: the same as asked for each group alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gridkit_django.grids import GridAccess, inside
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.inside import fetch_inside
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import Row
from tests.grids.dialects.shelf import fill_shelf
from tests.grids.shop import ADMIN, ProductGrid, make_products

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

ACCESS = GridAccess(ProductGrid, ADMIN)
QUESTIONS: list[dict[str, Any]] = [
    {"group": ["category", "active"]},
    {"group": ["rating", "category"], "sort": [{"col": "name", "dir": "desc"}]},
    {"group": ["price", "stock"], "filter": {"col": "stock", "op": "gt", "value": 0}},
    {
        "group": [{"col": "restocked", "by": "year"}, {"col": "restocked", "by": "day"}, "category"],
        "sort": [{"col": "rating", "nulls": "first"}, {"col": "most", "dir": "desc"}],
        "aggregates": [{"col": "stock", "fn": "max", "as": "most"}, {"col": "price", "fn": "avg"}],
    },
    {"group": ["category", {"col": "released", "by": "month"}], "search": "l", "columns": ["sku"], "tz": "Asia/Tokyo"},
]


def one_by_one(query: GridQuery, paths: list[tuple[Any, ...]]) -> list[tuple[Row, ...]]:
    return [fetch_rows(ACCESS, query.with_changes(path=path)).rows for path in paths]


@pytest.mark.parametrize("question", QUESTIONS)
def test_groups_asked_at_once_hold_what_each_holds_alone(question: dict[str, Any]) -> None:
    fill_shelf()
    query = GridQuery.from_dict({**question, "window": {"kind": "offset", "start": 0, "end": 100}})

    paths: list[tuple[Any, ...]] = [()]
    for _ in query.group:
        rows = one_by_one(query, paths)
        paths = [(*path, row.group.key) for path, held in zip(paths, rows, strict=True) for row in held if row.group]
        assert len(paths) > 1

        assert fetch_inside(ACCESS, query, paths, 100) == one_by_one(query, paths)


def test_groups_asked_at_once_cost_one_query(django_assert_num_queries: Any) -> None:
    make_products([{"stock": number} for number in range(150)])
    query = GridQuery.from_dict({"group": ["stock", "category"]})

    with django_assert_num_queries(1):
        groups = fetch_inside(ACCESS, query, [(number,) for number in range(150)], 150)
    with django_assert_num_queries(1):
        rows = fetch_inside(ACCESS, query, [(number, "book") for number in range(150)], 150)

    assert [[row.id for row in held] for held in groups] == [[f'[{number}, "book"]'] for number in range(150)]
    assert [[row.data["stock"] for row in held] for held in rows] == [[number] for number in range(150)]


def test_more_groups_than_one_query_takes_are_asked_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    make_products([{"stock": number // 2} for number in range(10)])
    monkeypatch.setattr(inside, "GROUPS_AT_ONCE", 2)
    query = GridQuery.from_dict({"group": ["stock"]})

    with CaptureQueriesContext(connection) as queries:
        found = fetch_inside(ACCESS, query, [(number,) for number in range(5)], 10)

    assert [len(rows) for rows in found] == [2] * 5
    assert len(queries) == 3


def test_no_more_is_read_than_shows_that_there_is_too_much() -> None:
    make_products([{"stock": number // 2} for number in range(10)])
    query = GridQuery.from_dict({"group": ["stock"]})

    found = fetch_inside(ACCESS, query, [(number,) for number in range(5)], 3)

    assert sum(len(rows) for rows in found) == 4


def test_keys_that_are_equal_to_the_database_and_read_differently_stay_in_one_group() -> None:
    make_products([{"sku": "A", "rating": 0.0}, {"sku": "B", "rating": -0.0}, {"sku": "C", "rating": 1.0}])
    query = GridQuery.from_dict({"group": ["rating"], "sort": [{"col": "sku"}]})
    paths = [(row.group.key,) for row in fetch_rows(ACCESS, query).rows if row.group]

    zero, one = fetch_inside(ACCESS, query, paths, 100)

    assert [row.data["sku"] for row in zero] == ["A", "B"]
    assert [row.data["sku"] for row in one] == ["C"]


def test_keys_that_read_differently_are_not_asked_for_beyond_the_limit() -> None:
    make_products([{"rating": 0.0}, {"rating": -0.0}, {"rating": 1.0}])
    query = GridQuery.from_dict({"group": ["rating"]})
    paths = [(row.group.key,) for row in fetch_rows(ACCESS, query).rows if row.group]

    assert sum(len(rows) for rows in fetch_inside(ACCESS, query, paths, 1)) == 2
