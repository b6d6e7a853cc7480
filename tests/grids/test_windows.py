"""Windows against an oracle in plain Python: random rows, sorts and filters, walked forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cmp_to_key
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridkit_django.grids import Grid, TextColumn
from tests.grids.shop import ProductGrid, ask, make_orders, make_products, values
from tests.shop.models import Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

# Few different values, so that ties are everywhere; small letters only, so that every collation agrees.
letters = st.text("ab", max_size=2)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.text("aBäÄ_%\\", max_size=2),
    "category": st.sampled_from(["book", "toy", "tool"]),
    "price": st.sampled_from([Decimal("9.99"), Decimal("10.00"), Decimal("10.01")]),
    "stock": st.integers(-1, 1),
    "active": st.booleans(),
    "token": st.sampled_from([UUID(int=1), UUID(int=2**127), UUID(int=2**90)]),
    "description": st.none() | letters,
    "rating": st.none() | st.sampled_from([-0.5, 0.1, 0.1 + 0.2, 0.3]),
    "released": st.none() | st.sampled_from([date(2024, 1, 1), date(2024, 1, 2)]),
    "restocked": st.none()
    | st.sampled_from([datetime(2024, 3, 10, 4, 59, 59, 999999, tzinfo=UTC), datetime(2024, 3, 10, 5, tzinfo=UTC)]),
    "opens": st.none() | st.sampled_from([time(8), time(8, 0, 0, 1)]),
    "discount": st.none() | st.sampled_from([Decimal("0.10"), Decimal("0.20")]),
}
SORTABLE = [name for name in VALUES if name != "name"]
NUMBERS = ("price", "stock", "rating", "discount")

Row = dict[str, Any]
Test = Callable[[Row], bool]

rows_strategy = st.lists(st.fixed_dictionaries(VALUES), max_size=12)
sort_strategy = st.lists(
    st.fixed_dictionaries(
        {"col": st.sampled_from(SORTABLE), "dir": st.sampled_from(["asc", "desc"])},
        optional={"nulls": st.sampled_from(["first", "last"])},
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda term: term["col"],
)


def wire(value: Any) -> Any:
    """A value as a filter names it."""
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    return value.isoformat() if isinstance(value, (date, time)) else value


@st.composite
def leaves(draw: st.DrawFn) -> tuple[dict[str, Any], Test]:
    """A condition, and what it means in plain Python."""
    kind = draw(st.sampled_from(["eq", "ne", "order", "in", "blank", "text"]))
    if kind == "text":
        return text_leaf(draw(st.sampled_from(["name", "description"])), draw(letters), draw(st.booleans()))
    if kind == "order":
        column, bound = draw(st.sampled_from(NUMBERS)), draw(st.integers(-1, 10))
        return {"col": column, "op": "gt", "value": bound}, lambda row: row[column] is not None and row[column] > bound
    column = draw(st.sampled_from([name for name in SORTABLE if name not in ("active", "description")]))
    if kind == "blank":
        return {"col": column, "op": "blank"}, lambda row: row[column] is None
    if kind == "in":
        wanted = draw(st.lists(st.none() | VALUES[column], max_size=2))
        return {
            "col": column,
            "op": "in",
            "value": [wire(value) for value in wanted],
        }, lambda row: row[column] in wanted
    value = draw(VALUES[column].filter(lambda value: value is not None))
    if kind == "eq":
        return {"col": column, "op": "eq", "value": wire(value)}, lambda row: row[column] == value
    return {"col": column, "op": "ne", "value": wire(value)}, lambda row: row[column] != value


def text_leaf(column: str, part: str, ci: bool) -> tuple[dict[str, Any], Test]:
    def holds(row: Row) -> bool:
        text = row[column]
        return text is not None and (part.lower() in text.lower() if ci else part in text)

    return {"col": column, "op": "contains", "value": part, "ci": ci}, holds


def joined(members: list[tuple[dict[str, Any], Test]], key: str) -> tuple[dict[str, Any], Test]:
    tests = [test for _node, test in members]
    judge = all if key == "and" else any
    return {key: [node for node, _test in members]}, lambda row: judge(test(row) for test in tests)


def branches(nodes: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    group = st.builds(joined, st.lists(nodes, min_size=1, max_size=3), st.sampled_from(["and", "or"]))
    return group | nodes.map(lambda pair: ({"not": pair[0]}, lambda row: not pair[1](row)))


filters = st.none() | st.recursive(leaves(), branches, max_leaves=5)


def in_order(rows: list[Row], sort: list[dict[str, Any]]) -> list[Row]:
    """Sort in plain Python, the primary key last, in the direction of the last term."""
    last = -1 if sort[-1]["dir"] == "desc" else 1

    def compare(one: Row, two: Row) -> int:
        for term in sort:
            a, b = one[term["col"]], two[term["col"]]
            if a == b:
                continue
            if a is None or b is None:
                return (-1 if a is None else 1) * (1 if term.get("nulls") == "first" else -1)
            return (-1 if a < b else 1) * (1 if term["dir"] == "asc" else -1)
        return -last if one["sku"] < two["sku"] else last

    return sorted(rows, key=cmp_to_key(compare))


@contextmanager
def stored(rows: list[Row]) -> Iterator[None]:
    """Store the rows for one example only; their sku follows the order of their primary keys."""
    for index, row in enumerate(rows):
        row["sku"] = f"P{index:03}"
    with transaction.atomic():
        make_products(rows)
        yield
        transaction.set_rollback(True)


def walk_forward(size: int, **query: Any) -> tuple[list[list[Any]], str | None]:
    """The pages from the first to the last, and the cursor back from the last one."""
    pages, cursor = [], None
    while True:
        page = ask(ProductGrid, columns=["sku"], window={"kind": "cursor", "size": size, "after": cursor}, **query)
        pages.append(values(page, "sku"))
        assert page.window.has_next is (page.window.next is not None)
        if page.window.next is None:
            return pages, page.window.prev
        cursor = page.window.next


def walk_back(size: int, cursor: str | None, **query: Any) -> list[list[Any]]:
    """The pages before a cursor, nearest first."""
    pages = []
    while cursor is not None:
        page = ask(ProductGrid, columns=["sku"], window={"kind": "cursor", "size": size, "before": cursor}, **query)
        pages.append(values(page, "sku"))
        assert page.window.has_next
        assert page.window.start is None
        cursor = page.window.prev
    return pages


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=rows_strategy, sort=sort_strategy, chosen=filters, size=st.integers(1, 5))
def test_every_row_comes_exactly_once_in_order_both_ways(
    rows: list[Row], sort: list[dict[str, Any]], chosen: tuple[dict[str, Any], Test] | None, size: int
) -> None:
    node, test = chosen or (None, lambda row: True)
    with stored(rows):
        expected = [row["sku"] for row in in_order([row for row in rows if test(row)], sort)]
        asked = {"sort": sort, "filter": node}
        pages, back = walk_forward(size, **asked)
        assert [sku for page in pages for sku in page] == expected
        assert all(len(page) == size for page in pages[:-1])

        returned = walk_back(size, back, **asked)
        last = len(pages[-1])
        assert [sku for page in reversed(returned) for sku in page] == expected[: len(expected) - last]

        window = {"kind": "offset", "start": size, "end": 2 * size}
        page = ask(ProductGrid, window=window, count="exact", **asked)
        assert values(page, "sku") == expected[size : 2 * size]
        assert page.count.value == len(expected)
        assert page.window.has_next is (len(expected) > 2 * size)


def test_cursor_continues_where_an_offset_window_ended() -> None:
    make_products([{} for _ in range(10)])
    jump = ask(ProductGrid, sort=[{"col": "sku"}], window={"kind": "offset", "start": 4, "end": 6})
    assert (jump.window.start, values(jump, "sku")) == (4, ["P004", "P005"])

    def step(**window: Any) -> list[Any]:
        return values(ask(ProductGrid, sort=[{"col": "sku"}], window={"kind": "cursor", "size": 2, **window}), "sku")

    assert step(after=jump.window.next) == ["P006", "P007"]
    assert step(before=jump.window.prev) == ["P002", "P003"]


def test_rows_that_appear_or_go_between_two_windows_shift_nothing() -> None:
    make_products([{"stock": stock} for stock in (1, 3, 5, 7)])
    asked = {"sort": [{"col": "stock"}], "columns": ["stock"]}
    first = ask(ProductGrid, window={"kind": "cursor", "size": 2}, **asked)
    Product.objects.filter(stock__in=[1, 3]).delete()
    make_products([{"sku": "early", "stock": 0}, {"sku": "late", "stock": 6}])
    following = ask(ProductGrid, window={"kind": "cursor", "size": 2, "after": first.window.next}, **asked)
    assert values(following, "stock") == [5, 6]


def test_window_after_the_last_row_is_empty_and_leads_nowhere() -> None:
    make_products([{"stock": 1}, {"stock": 2}])
    asked = {"sort": [{"col": "stock"}]}
    first = ask(ProductGrid, window={"kind": "cursor", "size": 1}, **asked)
    Product.objects.filter(stock=2).delete()
    following = ask(ProductGrid, window={"kind": "cursor", "size": 1, "after": first.window.next}, **asked)
    assert following.rows == ()
    assert (following.window.has_next, following.window.next, following.window.prev) == (False, None, None)
    beyond = ask(ProductGrid, window={"kind": "offset", "start": 50, "end": 60}, **asked)
    assert (beyond.rows, beyond.window.start, beyond.count.value) == ((), 50, 1)


def test_windows_cross_the_null_boundary_of_an_optional_relation() -> None:
    make_orders(9)

    class Referred(Grid):
        referrer_name = TextColumn("referrer__name")

        class Meta:
            model = Order
            id = "referred"
            columns = ["id", "referrer_name", "quantity"]

    for nulls in ("first", "last"):
        asked = {"sort": [{"col": "referrer_name", "nulls": nulls}, {"col": "quantity", "dir": "desc"}]}
        seen: list[Any] = []
        cursor = None
        while True:
            page = ask(Referred, window={"kind": "cursor", "size": 2, "after": cursor}, **asked)
            seen += values(page, "quantity")
            cursor = page.window.next
            if cursor is None:
                break
        with_name, without = [7, 5, 3, 1], [8, 6, 4, 2, 0]
        assert seen == (without + with_name if nulls == "first" else with_name + without)


def test_infinity_and_far_years_are_places_a_cursor_can_stand_on() -> None:
    make_products(
        [
            {"rating": rating, "restocked": datetime(1, 1, 2, tzinfo=UTC) + timedelta(days=index)}
            for index, rating in enumerate([float("-inf"), 0.0, float("inf")])
        ]
    )
    for column in ("rating", "restocked"):
        pages, _back = walk_forward(1, sort=[{"col": column}])
        assert pages == [["P000"], ["P001"], ["P002"]]
