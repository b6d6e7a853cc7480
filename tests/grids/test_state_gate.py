"""States: strictly read when they are saved, trimmed with a report when they are opened."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.exceptions import GridKitError, QueryError, UnknownColumnError, ViewError
from gridkit_django.grids import GridAccess
from gridkit_django.grids.state_gate import open_state, read_state
from gridkit_django.grids.view_state import STATE_VERSION, ViewState
from tests.grids.shop import ADMIN, OrderGrid, ProductGrid

pytestmark = pytest.mark.django_db

FULL: dict[str, Any] = {
    "v": 1,
    "query": {
        "columns": ["sku", "price", "stock"],
        "sort": [{"col": "price", "dir": "desc"}, {"col": "sku", "dir": "asc"}, {"col": "sum_stock", "dir": "asc"}],
        "filter": {
            "and": [
                {"col": "price", "op": "gt", "value": "5"},
                {"or": [{"col": "price", "op": "blank"}, {"not": {"col": "price", "op": "lt", "value": "1"}}]},
                {"col": "stock", "op": "gt", "value": 1},
            ]
        },
        "search": "thing",
        "group": ["category", "price", {"col": "released", "by": "month"}],
        "aggregates": [
            {"col": "price", "fn": "sum", "as": "turnover"},
            {"col": "stock", "fn": "sum", "as": "sum_stock"},
        ],
        "pivot": {"cols": ["price", "active"], "values": [{"col": "price", "fn": "max", "as": "top"}]},
        "pageSize": 50,
    },
    "layout": {
        "columns": [
            {"col": "price", "width": 90, "pin": "right"},
            {"col": "sku", "pin": "left"},
            {"col": "stock", "hidden": True},
        ]
    },
}

HIDDEN_PLACES = (
    "/query/aggregates/0",
    "/query/pivot/cols/0",
    "/query/pivot/values/0",
    "/query/columns/1",
    "/query/sort/0",
    "/query/filter/and/0",
    "/query/filter/and/1/or/0",
    "/query/filter/and/1/or/1/not",
    "/query/group/1",
    "/layout/columns/0",
)


def saved(raw: dict[str, Any], user: Any = ADMIN, grid: Any = ProductGrid) -> ViewState:
    return read_state(GridAccess(grid, user), raw)


def clerk() -> User:
    return User.objects.get_or_create(username="clerk")[0]


def query(**parts: Any) -> dict[str, Any]:
    return {"query": parts}


def test_state_survives_writing_and_reading() -> None:
    state = saved(FULL)
    assert saved(state.to_dict()) == state
    assert state.to_dict() == FULL


def test_empty_state_says_nothing() -> None:
    assert saved({}).to_dict() == {"v": STATE_VERSION, "query": {}, "layout": {}}
    assert saved({"v": 1, "query": None, "layout": None}) == ViewState()


def test_whole_state_is_opened_by_who_may_see_it() -> None:
    opened = open_state(GridAccess(ProductGrid, ADMIN), FULL, 1)
    assert (opened.state, opened.dropped) == (saved(FULL), ())


def test_what_the_opener_may_not_see_falls_away_and_its_place_is_named() -> None:
    opened = open_state(GridAccess(ProductGrid, clerk()), FULL, 1)
    assert sorted(opened.dropped) == sorted(HIDDEN_PLACES)
    written = opened.state.to_dict()
    assert "price" not in str(written)
    assert written["query"]["filter"] == {"and": [{"col": "stock", "op": "gt", "value": 1}]}
    assert written["query"]["pivot"] == {"cols": ["active"], "values": []}
    assert written["query"]["sort"] == [{"col": "sku", "dir": "asc"}, {"col": "sum_stock", "dir": "asc"}]
    assert saved(written, clerk()) == opened.state


def test_hidden_and_vanished_column_leave_the_same_mark() -> None:
    vanished = eval(repr(FULL).replace("'price'", "'prize'"))  # noqa: S307 - our own literal
    by_clerk, by_admin = (
        open_state(GridAccess(ProductGrid, user), raw, 1) for user, raw in ((clerk(), FULL), (ADMIN, vanished))
    )
    assert (by_clerk.state, by_clerk.dropped) == (by_admin.state, by_admin.dropped)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (query(columns=["sku", "{}"]), "/query/columns/1"),
        (query(sort=[{"col": "{}", "dir": "asc"}]), "/query/sort/0/col"),
        (query(filter={"not": {"col": "{}", "op": "eq", "value": "x"}}), "/query/filter/not/col"),
        (query(group=["{}"]), "/query/group/0"),
        (query(aggregates=[{"col": "{}", "fn": "sum"}]), "/query/aggregates/0/col"),
        (query(pivot={"cols": ["{}"], "values": [{"fn": "count"}]}), "/query/pivot/cols/0"),
        (query(pivot={"cols": ["active"], "values": [{"col": "{}", "fn": "sum"}]}), "/query/pivot/values/0/col"),
        ({"layout": {"columns": [{"col": "{}"}]}}, "/layout/columns/0/col"),
    ],
)
def test_hidden_and_unknown_column_are_refused_alike_when_a_state_is_saved(raw: dict[str, Any], place: str) -> None:
    told = []
    for name in ("price", "prize"):
        with pytest.raises(UnknownColumnError) as caught:
            saved(eval(repr(raw).replace("{}", name)), clerk())  # noqa: S307 - our own literal
        assert [item.pointer for item in caught.value.errors] == [place]
        told.append(caught.value.detail.replace(name, ""))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ([], ""),
        ({"w": 1}, ""),
        ({"v": 2}, "/v"),
        (query(window={}), "/query"),
        ({"layout": {"order": []}}, "/layout"),
        (query(sort=[{"col": "sku", "dir": "up"}]), "/query/sort/0/dir"),
        (query(columns=[]), "/query/columns"),
        (query(sort=[{"col": "attributes"}]), "/query/sort/0/col"),
        (query(filter={"col": "stock", "op": "gt", "value": "many"}), "/query/filter/value"),
        (query(filter={"col": "stock", "op": "contains", "value": "1"}), "/query/filter/op"),
        (query(search="x" * 201), "/query/search"),
        (query(search=" ".join("abcdefghijklmnopqr")), "/query/search"),
        (query(group=["attributes"]), "/query/group/0"),
        (query(aggregates=[{"col": "name", "fn": "sum"}]), "/query/aggregates/0/fn"),
        (query(pivot={"cols": ["active"]}), "/query/pivot"),
        (query(pageSize=0), "/query/pageSize"),
        (query(pageSize=True), "/query/pageSize"),
        (query(pageSize=501), "/query/pageSize"),
        ({"layout": {"columns": {}}}, "/layout/columns"),
        ({"layout": {"columns": [{"width": 3}]}}, "/layout/columns/0"),
        ({"layout": {"columns": [{"col": "sku", "color": "red"}]}}, "/layout/columns/0"),
        ({"layout": {"columns": [{"col": "sku"}, {"col": "sku"}]}}, "/layout/columns/1/col"),
        ({"layout": {"columns": [{"col": "sku", "hidden": 1}]}}, "/layout/columns/0/hidden"),
        ({"layout": {"columns": [{"col": "sku", "width": 0}]}}, "/layout/columns/0/width"),
        ({"layout": {"columns": [{"col": "sku", "pin": "top"}]}}, "/layout/columns/0/pin"),
    ],
)
def test_what_is_not_understood_is_refused_when_a_state_is_saved(raw: Any, place: str) -> None:
    with pytest.raises(GridKitError) as caught:
        saved(raw)
    assert [item.pointer for item in caught.value.errors] == [place]


def test_search_is_refused_and_falls_away_where_no_column_is_searched() -> None:
    class Silent(ProductGrid):
        class Meta(ProductGrid.Meta):
            id = "silent-products"
            search: list[str] = []

    with pytest.raises(QueryError) as caught:
        saved(query(search="x"), grid=Silent)
    assert caught.value.errors[0].pointer == "/query/search"
    opened = open_state(GridAccess(Silent, ADMIN), query(search="x"), 1)
    assert (opened.state, opened.dropped) == (ViewState(), ("/query/search",))


def test_state_over_its_size_is_refused(settings: Any) -> None:
    settings.GRIDKIT = {"STATE_BYTES_MAX": 60}
    assert saved(query(columns=["sku"]))
    with pytest.raises(ViewError, match="at most 60"):
        saved(query(search="é" * 30))


def test_parts_over_limits_that_came_later_fall_away_whole(settings: Any) -> None:
    settings.GRIDKIT = {"PAGE_SIZE_MAX": 10, "FILTER_NODES_MAX": 2, "SORT_TERMS_MAX": 2, "PIVOT_COLUMNS_MAX": 0}
    opened = open_state(GridAccess(ProductGrid, ADMIN), FULL, 1)
    assert set(opened.dropped) == {"/query/filter", "/query/sort", "/query/pageSize"}


def test_pivot_without_columns_or_figures_falls_away() -> None:
    for pivot in ({"cols": ["price"], "values": [{"fn": "count"}]}, {"cols": ["active"], "values": [FIGURE]}):
        opened = open_state(GridAccess(ProductGrid, clerk()), query(pivot=pivot), 1)
        assert opened.state.query.pivot is None
        assert opened.dropped[-1] == "/query/pivot"


FIGURE = {"col": "price", "fn": "sum", "as": "turnover"}


@pytest.mark.parametrize(("raw", "version"), [(FULL, 2), ([1], 1), ({"v": 7}, 1), ({"query": 3}, 1)])
def test_state_that_cannot_be_read_is_opened_empty_and_says_so(raw: Any, version: int) -> None:
    opened = open_state(GridAccess(ProductGrid, ADMIN), raw, version)
    assert (opened.state, opened.dropped) == (ViewState(), ("",))


def test_columns_through_relations_and_callable_rules_are_judged_too() -> None:
    raw = query(columns=["customer_name", "email"], sort=[{"col": "email"}])
    opened = open_state(GridAccess(OrderGrid, clerk()), raw, 1)
    assert opened.state.query_dict() == {"columns": ["customer_name"]}
    assert opened.dropped == ("/query/columns/1", "/query/sort/0")
