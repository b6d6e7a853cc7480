"""Groups, figures, totals and pivots against a plain Python oracle, and through the gate."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridkit_django.exceptions import CursorMismatchError, QueryError, QueryLimitError, UnknownColumnError
from gridkit_django.grids import Grid, GridAccess, pivoting
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import RowsPage
from tests.grids.shop import ADMIN, OrderGrid, ProductGrid, ask, make_orders, make_products
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

ZONE = ZoneInfo("America/New_York")
SUM = {"col": "stock", "fn": "sum"}


def keys(page: RowsPage) -> list[Any]:
    return [row.group.key for row in page.rows if row.group is not None]


def all_groups(size: int, **query: Any) -> Iterator[RowsPage]:
    """Read all groups page by page."""
    after = None
    while True:
        page = ask(ProductGrid, window={"kind": "cursor", "size": size, "after": after}, **query)
        yield page
        if page.window.next is None:
            return
        after = page.window.next


def test_groups_have_key_label_count_and_figures() -> None:
    make_products(
        [
            {"category": "toy", "stock": 3, "price": Decimal("0.10")},
            {"category": "toy", "stock": 4, "price": Decimal("0.20")},
            {"category": "book", "stock": -1, "price": Decimal("99999999.99")},
        ]
    )
    page = ask(
        ProductGrid,
        group=["category"],
        aggregates=[SUM, {"col": "price", "fn": "sum", "as": "worth"}, {"fn": "count", "as": "n"}],
    )

    assert [row.to_dict() for row in page.rows] == [
        {
            "id": '["book"]',
            "v": "",
            "d": {"category": "book", "sum_stock": -1, "worth": "99999999.99", "n": 1},
            "g": {"key": "book", "label": "Book", "childCount": 1, "level": 0, "expandable": False},
        },
        {
            "id": '["toy"]',
            "v": "",
            "d": {"category": "toy", "sum_stock": 7, "worth": "0.30", "n": 2},
            "g": {"key": "toy", "label": "Toy", "childCount": 2, "level": 0, "expandable": False},
        },
    ]
    assert page.count.to_dict() == {"value": 2, "is": "exact"}


def test_path_leads_down_to_inner_groups_and_then_to_rows() -> None:
    make_products([{"category": "toy", "stock": stock, "active": bool(stock)} for stock in (0, 1, 1, 2)])
    question = {"group": ["category", "stock"], "aggregates": [{"fn": "count", "as": "n"}]}

    assert [row.group.expandable for row in ask(ProductGrid, **question).rows if row.group] == [True]
    inner = ask(ProductGrid, **question, path=["toy"])
    assert [(row.id, row.data["n"]) for row in inner.rows] == [('["toy", 0]', 1), ('["toy", 1]', 2), ('["toy", 2]', 1)]
    leaves = ask(ProductGrid, **question, path=["toy", 1])
    assert [row.data["stock"] for row in leaves.rows] == [1, 1]
    assert all(row.group is None for row in leaves.rows)


def test_rows_without_a_value_are_a_group_that_null_leads_to() -> None:
    make_products([{"rating": 1.5}, {"rating": None}, {"rating": None}])

    page = ask(ProductGrid, group=["rating"])

    assert keys(page) == [1.5, None]
    assert page.rows[1].group is not None
    assert page.rows[1].group.label is None
    assert len(ask(ProductGrid, group=["rating"], path=[None]).rows) == 2
    assert keys(ask(ProductGrid, group=["rating"], sort=[{"col": "rating", "nulls": "first"}])) == [None, 1.5]


def test_days_begin_in_the_zone_of_the_grid() -> None:
    make_products(
        [
            {"restocked": datetime(2024, 3, 10, 4, 59, tzinfo=UTC)},  # still the 9th in New York
            {"restocked": datetime(2024, 3, 10, 5, 0, tzinfo=UTC)},
            {"restocked": datetime(2024, 3, 11, 3, 59, tzinfo=UTC)},  # clocks changed on the 10th
            {"restocked": datetime(2024, 3, 11, 4, 0, tzinfo=UTC)},
        ]
    )
    days = [{"col": "restocked", "by": "day"}]

    page = ask(ProductGrid, group=days)

    assert keys(page) == ["2024-03-09", "2024-03-10", "2024-03-11"]
    assert [row.group.child_count for row in page.rows if row.group] == [1, 2, 1]
    assert len(ask(ProductGrid, group=days, path=["2024-03-10"]).rows) == 2
    assert keys(ask(ProductGrid, group=days, tz="UTC")) == ["2024-03-10", "2024-03-11"]


@pytest.mark.parametrize(
    ("period", "expected"),
    [("week", "2023-12-25"), ("month", "2023-12-01"), ("quarter", "2023-10-01"), ("year", "2023-01-01")],
)
@pytest.mark.parametrize("column", ["released", "restocked"])
def test_periods_begin_on_their_first_day_and_their_path_finds_the_rows(
    column: str, period: str, expected: str
) -> None:
    make_products([{"released": date(2023, 12, 31), "restocked": datetime(2024, 1, 1, 4, 0, tzinfo=UTC)}, {}])
    group = [{"col": column, "by": period}]

    assert keys(ask(ProductGrid, group=group)) == [expected, None]
    assert len(ask(ProductGrid, group=group, path=[expected]).rows) == 1
    with pytest.raises(QueryError, match="first day"):
        ask(ProductGrid, group=group, path=["2024-01-03"])


_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "category": st.sampled_from(["book", "toy", "tool"]),
            "stock": st.integers(-3, 3),
            "rating": st.sampled_from([None, -1.5, 0.0, 2.25]),
            "discount": st.sampled_from([None, Decimal("0.10"), Decimal("0.20"), Decimal("7.30")]),
        }
    ),
    max_size=25,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=_ROWS,
    column=st.sampled_from(["category", "stock", "rating", "discount"]),
    by=st.sampled_from(["key", "n", "total", "best"]),
    down=st.booleans(),
    size=st.integers(1, 5),
)
def test_every_group_comes_once_in_order_with_exact_figures(
    rows: list[dict[str, Any]], column: str, by: str, down: bool, size: int
) -> None:
    Product.objects.all().delete()
    make_products(rows)
    expected: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        expected[row[column]].append(row)
    question = {
        "group": [column],
        "aggregates": [
            {"fn": "count", "as": "n"},
            {"col": "discount", "fn": "sum", "as": "total"},
            {"col": "rating", "fn": "max", "as": "best"},
            {"col": "stock", "fn": "countDistinct", "as": "kinds"},
        ],
        "sort": [{"col": column if by == "key" else by, "dir": "desc" if down else "asc"}],
    }

    pages = list(all_groups(size, **question))

    found = [row for page in pages for row in page.rows]
    access = GridAccess(ProductGrid, ADMIN)
    wires = {json.dumps(access.by_id[column].to_wire(key)): members for key, members in expected.items()}
    assert {json.dumps(row.data[column]) for row in found} == set(wires)
    assert len(found) == len(wires)
    for row in found:
        members = wires[json.dumps(row.data[column])]
        totals = [member["discount"] for member in members if member["discount"] is not None]
        ratings = [member["rating"] for member in members if member["rating"] is not None]
        assert row.data["n"] == len(members)
        assert row.data["total"] == (format(sum(totals), "f") if totals else None)
        assert row.data["best"] == (max(ratings) if ratings else None)
        assert row.data["kinds"] == len({member["stock"] for member in members})
    assert _is_sorted([row.data[column if by == "key" else by] for row in found], column, by, down=down)


def _is_sorted(values: list[Any], column: str, by: str, *, down: bool) -> bool:
    numbers = by != "key" or column != "category"
    present = [(Decimal(str(value)) if numbers else value) for value in values if value is not None]
    return present == sorted(present, reverse=down) and values[: len(present)].count(None) == 0


def test_sum_that_floats_can_not_hold_places_its_group_once() -> None:
    make_products([{"discount": value} for value in (None, "0.10", "0.20", "0.20", "0.20")])
    question = {"group": ["discount"], "aggregates": [{"col": "discount", "fn": "sum", "as": "total"}]}

    for direction in ("asc", "desc"):
        pages = all_groups(1, **question, sort=[{"col": "total", "dir": direction}])
        totals = [row.data["total"] for page in pages for row in page.rows]
        assert totals == [*sorted(["0.10", "0.60"], reverse=direction == "desc"), None]


def test_backward_pages_of_groups_give_the_groups_before() -> None:
    make_products([{"stock": stock} for stock in (1, 2, 3, 4)])
    first, second = list(all_groups(2, group=["stock"]))

    back = ask(ProductGrid, group=["stock"], window={"kind": "cursor", "size": 2, "before": second.window.prev})

    assert keys(back) == keys(first) == [1, 2]


def test_cursor_of_other_groups_is_refused() -> None:
    make_products([{"stock": stock} for stock in (1, 2, 3)])
    page = ask(ProductGrid, group=["stock"], window={"kind": "cursor", "size": 1})

    with pytest.raises(CursorMismatchError):
        ask(ProductGrid, group=["rating"], window={"kind": "cursor", "size": 1, "after": page.window.next})


@pytest.mark.parametrize(
    "question",
    [
        {"group": ["price"]},
        {"group": ["category"], "aggregates": [{"col": "price", "fn": "sum"}]},
        {"group": ["category"], "sort": [{"col": "price"}]},
        {"group": ["category", "price"]},
        {"pivot": {"cols": ["price"], "values": [{"fn": "count"}]}},
        {"pivot": {"cols": ["category"], "values": [{"col": "price", "fn": "max"}]}},
        {"include": ["totals"], "aggregates": [{"col": "price", "fn": "sum"}]},
        {"include": [{"facets": ["price"]}]},
    ],
)
def test_hidden_column_answers_like_one_that_does_not_exist(question: dict[str, Any]) -> None:
    make_products([{}])
    refusals = []
    for name in ("price", "nothing"):
        with pytest.raises(UnknownColumnError) as refusal:
            ask(
                ProductGrid,
                User.objects.create(username=name),
                **json.loads(json.dumps(question).replace("price", name)),
            )
        refusals.append(json.dumps([refusal.value.detail, str(refusal.value.errors)]).replace(name, "price"))
    assert refusals[0] == refusals[1]


@pytest.mark.parametrize(
    ("question", "pointer"),
    [
        ({"group": ["attributes"]}, "/group/0"),
        ({"group": [{"col": "stock", "by": "day"}]}, "/group/0"),
        ({"group": ["stock", "stock"]}, "/group/1"),
        ({"group": ["stock"], "path": [1, 2]}, "/path"),
        ({"group": ["stock"], "path": ["many"]}, "/path/0"),
        ({"group": ["released"], "path": [True]}, "/path/0"),
        ({"group": ["discount"], "path": ["1e"]}, "/path/0"),
        ({"group": ["token"], "path": ["no uuid"]}, "/path/0"),
        ({"group": ["stock"], "path": [[1]]}, "/path/0"),
        ({"group": [{"col": "released", "by": "year"}], "path": ["9999-01-01"]}, "/path/0"),
        ({"aggregates": [{"fn": "sum"}]}, "/aggregates/0"),
        ({"group": ["stock"], "aggregates": [{"col": "name", "fn": "sum"}]}, "/aggregates/0/fn"),
        ({"aggregates": [{"fn": "count", "as": "a b"}]}, "/aggregates/0/as"),
        ({"aggregates": [{"fn": "count"}, {"fn": "count"}]}, "/aggregates/1/as"),
        ({"pivot": {"cols": []}}, "/pivot/cols"),
        ({"pivot": {"cols": ["stock"]}}, "/pivot"),
        ({"group": ["stock"], "path": [1], "pivot": {"cols": ["category"]}}, "/path"),
        ({"group": ["stock"], "sort": [{"col": "attributes"}]}, "/sort/0/col"),
    ],
)
def test_what_can_not_be_grouped_is_refused_at_its_place(question: dict[str, Any], pointer: str) -> None:
    make_products([{}])
    with pytest.raises(QueryError) as refusal:
        ask(ProductGrid, **question)
    assert [item.pointer for item in refusal.value.errors] == [pointer]


def test_sort_terms_of_another_level_are_named_as_dropped() -> None:
    make_products([{"stock": 1}, {"stock": 2}])
    sort = [{"col": "name"}, {"col": "n", "dir": "desc"}]
    question = {"group": ["stock"], "aggregates": [{"fn": "count", "as": "n"}], "sort": sort}

    assert ask(ProductGrid, **question).dropped == ("/sort/0",)
    assert ask(ProductGrid, **question, path=[1]).dropped == ("/sort/1",)


def test_totals_are_over_all_matching_rows_whatever_the_window_and_path() -> None:
    make_products([{"stock": stock, "category": "toy"} for stock in (1, 2, 3)] + [{"stock": 9}])

    page = ask(
        ProductGrid,
        filter={"col": "category", "op": "eq", "value": "toy"},
        group=["stock"],
        path=[2],
        window={"kind": "cursor", "size": 1},
        aggregates=[SUM, {"col": "stock", "fn": "avg"}, {"col": "released", "fn": "max"}],
        include=["totals"],
    )

    assert page.totals == {"sum_stock": 6, "avg_stock": 2.0, "max_released": None}


def test_average_of_exact_numbers_is_the_same_on_every_database() -> None:
    make_products([{"price": Decimal(price)} for price in ("0.10", "0.20", "0.20")])

    page = ask(ProductGrid, aggregates=[{"col": "price", "fn": "avg"}], include=["totals"])

    assert page.totals == {"avg_price": "0.16666667"}


def test_pivot_lays_figures_side_by_side_for_each_group(django_assert_max_num_queries: Any) -> None:
    make_products(
        [
            {"category": "toy", "active": True, "stock": 1},
            {"category": "toy", "active": False, "stock": 2},
            {"category": "book", "active": True, "stock": 4},
            {"category": "book", "active": True, "stock": 8},
        ]
    )
    with django_assert_max_num_queries(4):
        page = ask(ProductGrid, group=["category"], pivot={"cols": ["active"], "values": [SUM]}, count="exact")

    assert page.pivot_fields == (
        {"field": '[false,"sum_stock"]', "keys": [False], "labels": ["False"], "value": "sum_stock"},
        {"field": '[true,"sum_stock"]', "keys": [True], "labels": ["True"], "value": "sum_stock"},
    )
    assert [row.data for row in page.rows] == [
        {"category": "book", '[true,"sum_stock"]': 12},
        {"category": "toy", '[true,"sum_stock"]': 1, '[false,"sum_stock"]': 2},
    ]


def test_pivot_of_more_groups_than_one_query_takes_is_asked_for_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    make_products([{"stock": number // 2, "active": number % 2 == 0} for number in range(10)])
    monkeypatch.setattr(pivoting, "GROUPS_AT_ONCE", 2)
    window = {"kind": "offset", "start": 0, "end": 10}

    page = ask(ProductGrid, group=["stock"], pivot={"cols": ["active"], "values": [{"fn": "count"}]}, window=window)

    assert [row.data for row in page.rows] == [
        {"stock": number, '[false,"count"]': 1, '[true,"count"]': 1} for number in range(5)
    ]


def test_pivot_finds_the_cells_of_keys_that_are_equal_to_the_database_and_read_differently() -> None:
    make_products(
        [{"rating": rating, "active": active} for rating, active in ((0.0, True), (-0.0, False), (1.0, True))]
    )

    page = ask(ProductGrid, group=["rating"], pivot={"cols": ["active"], "values": [{"fn": "count"}]})

    zero, one = ({name: value for name, value in row.data.items() if name != "rating"} for row in page.rows)
    assert zero == {'[false,"count"]': 1, '[true,"count"]': 1}
    assert one == {'[true,"count"]': 1}


def test_pivot_without_groups_is_one_line() -> None:
    make_products([{"rating": 1.0, "stock": 2}, {"rating": None, "stock": 5}])

    page = ask(ProductGrid, pivot={"cols": ["rating"]}, aggregates=[SUM])

    assert [row.data for row in page.rows] == [{'[1.0,"sum_stock"]': 2, '[null,"sum_stock"]': 5}]
    assert page.count.value == 1


def test_sort_by_a_figure_of_a_pivot_plays_no_part_and_is_named() -> None:
    make_products([{"category": "toy", "stock": 1}])
    pivot = {"cols": ["active"], "values": [SUM]}
    by_figure = [{"col": "sum_stock"}]
    assert ask(ProductGrid, group=["category"], pivot=pivot, sort=by_figure).dropped == ("/sort/0",)
    assert ask(ProductGrid, pivot=pivot, sort=by_figure).dropped == ("/sort/0",)


def test_figure_can_not_take_the_place_of_the_key() -> None:
    with pytest.raises(QueryError, match="answered as 'category'") as caught:
        ask(ProductGrid, group=["stock", "category"], aggregates=[{"fn": "count", "as": "category"}])
    assert [item.pointer for item in caught.value.errors] == ["/aggregates/0/as"]


def test_pivot_over_its_limit_is_refused() -> None:
    make_products([{"stock": stock} for stock in range(4)])
    with override_settings(GRIDKIT={"PIVOT_COLUMNS_MAX": 3}), pytest.raises(QueryLimitError):
        ask(ProductGrid, pivot={"cols": ["stock"], "values": [{"fn": "count"}]})


def test_grouping_by_a_column_through_a_foreign_key_costs_no_query_more(django_assert_num_queries: Any) -> None:
    make_orders(12)
    with django_assert_num_queries(1):
        page = ask(OrderGrid, group=["customer_name"], aggregates=[{"col": "quantity", "fn": "sum"}])
    assert [(row.data["customer_name"], row.data["sum_quantity"]) for row in page.rows] == [("Ann", 48), ("Bob", 18)]


def test_annotations_of_the_grids_own_queryset_do_not_split_groups() -> None:
    class Annotated(Grid):
        class Meta:
            model = Product
            id = "annotated-products"
            columns = ["stock"]

        @classmethod
        def get_queryset(cls) -> Any:
            return Product.objects.annotate(double=F("stock") * 2, label=F("sku"))

    make_products([{"stock": 1}, {"stock": 1}, {"stock": 2}])

    page = ask(Annotated, group=["stock"])

    assert [row.group.child_count for row in page.rows if row.group] == [2, 1]


def test_query_with_groups_is_written_and_read_back_equal() -> None:
    raw = {
        "group": ["stock", {"col": "released", "by": "month"}],
        "path": [None],
        "aggregates": [{"fn": "count"}, SUM],
        "pivot": {"cols": ["active"], "values": [SUM]},
        "include": ["totals", {"facets": ["stock"]}],
    }
    query = GridQuery.from_dict(raw)
    assert GridQuery.from_dict(query.to_dict()) == query


def test_refused_facet_is_told_where_it_stands() -> None:
    for include, place in (
        ([{"facets": ["stock", "nosuch"]}], 0),
        (["totals", {"facets": ["stock", "attributes"]}], 1),
    ):
        with pytest.raises(QueryError) as caught:
            ask(ProductGrid, include=include)
        assert [item.pointer for item in caught.value.errors] == [f"/include/{place}/facets/1"]


@pytest.mark.parametrize(
    ("include", "place"),
    [
        ([{"facets": ["stock"]}, {"facets": ["sku"]}], "/include/1"),
        ([{"facets": ["sku", "sku"]}], "/include/0/facets/1"),
    ],
)
def test_facets_that_are_named_twice_are_refused(include: Any, place: str) -> None:
    with pytest.raises(QueryError, match="named twice") as caught:
        ask(ProductGrid, include=include)
    assert [item.pointer for item in caught.value.errors] == [place]
