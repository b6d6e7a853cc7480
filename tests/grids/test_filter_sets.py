"""Filters of django-filter sets: conditions like all others, as strict, and as closed as the column that they serve."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import django_filters as df
import pytest
from django import forms
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from gridkit_django.exceptions import (
    FilterValueError,
    GridDeclarationError,
    GridKitError,
    QueryError,
    QueryNotComputableError,
)
from gridkit_django.grids import DecimalColumn, Grid, GridAccess, IntegerColumn, TextColumn
from gridkit_django.grids.bulk import BulkChange, check_bulk
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import compile_query
from gridkit_django.grids.schema import grid_schema
from gridkit_django.grids.selection import Selection
from gridkit_django.grids.state_gate import open_state, read_state
from gridkit_django.grids.typescript import grid_types
from tests.grids.shop import ADMIN, CLERK, ask, make_orders, make_products, values
from tests.shop.models import Customer, Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class NumberInFilter(df.BaseInFilter, df.NumberFilter):  # type: ignore[misc]
    """Numbers with commas between, in a query string; a list here."""


class ProductFilters(df.FilterSet):  # type: ignore[misc]
    """One filter of each shape."""

    cheap = df.BooleanFilter(method="filter_cheap")
    mine = df.CharFilter(method="filter_mine")
    price__lt = df.NumberFilter(field_name="price", lookup_expr="lt")
    discount__gt = df.NumberFilter(field_name="discount", lookup_expr="gt")
    stock = df.RangeFilter()
    stock__in = NumberInFilter(field_name="stock", lookup_expr="in")
    released = df.DateFromToRangeFilter()
    category = df.MultipleChoiceFilter(choices=Product.Category.choices)
    name = df.CharFilter(lookup_expr="startswith", max_length=5)
    unnamed = df.CharFilter(field_name="description", exclude=True)
    name__regex = df.CharFilter(field_name="name", lookup_expr="regex")
    best = df.NumberFilter(method="filter_best")
    restocked__date = df.DateFilter(field_name="restocked", lookup_expr="date")
    restocked__year = df.NumberFilter(field_name="restocked", lookup_expr="year")
    restocked__hour = df.NumberFilter(field_name="restocked", lookup_expr="hour")
    restocked = df.DateFromToRangeFilter()

    def filter_cheap(self, rows: QuerySet[Product], name: str, value: bool) -> QuerySet[Product]:
        return rows.filter(price__lt=5) if value else rows.exclude(price__lt=5)

    def filter_mine(self, rows: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        return rows.filter(name=f"{self.request.user.username} {value}")

    def filter_best(self, rows: QuerySet[Product], name: str, value: Decimal) -> QuerySet[Product]:
        return rows.order_by("-stock")[: int(value)]


class FilteredGrid(Grid):
    """Products with filters; the price, and what filters tell of it, is for few."""

    price = DecimalColumn(permission="shop.view_price", filters=["cheap"])
    name = TextColumn(filters=["mine"], editable=True)
    stock = IntegerColumn(filters=["best"])

    class Meta:
        model = Product
        id = "filtered-products"
        columns = ["sku", "name", "price", "stock", "discount", "released", "category", "description", "restocked"]
        default_sort = ["sku"]
        filterset_class = ProductFilters


def leaf(col: str, name: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"col": col, "op": "filter", "name": name, "value": value, **more}


def found(node: dict[str, Any], user: Any = ADMIN, grid: type[Grid] = FilteredGrid) -> list[Any]:
    return values(ask(grid, user, filter=node), "sku")


@pytest.fixture
def shelf() -> list[Product]:
    return make_products(
        [
            {"sku": "A", "price": 3, "stock": 1, "discount": None, "released": None, "name": "admin x"},
            {"sku": "B", "price": 7, "stock": 5, "discount": 2, "released": date(2024, 5, 1), "category": "toy"},
            {"sku": "C", "price": 9, "stock": 9, "discount": 4, "released": date(2024, 6, 1), "description": "c"},
        ]
    )


@pytest.mark.parametrize(
    ("col", "name", "value", "skus"),
    [
        ("price", "price__lt", 7, "A"),
        ("price", "price__lt", "7.01", "AB"),
        ("price", "cheap", True, "A"),
        ("price", "cheap", False, "BC"),
        ("discount", "discount__gt", 3, "C"),
        ("stock", "stock", {"min": 2, "max": 5}, "B"),
        ("stock", "stock", {"min": 2}, "BC"),
        ("stock", "stock__in", [1, "9"], "AC"),
        ("stock", "best", 2, "BC"),
        ("released", "released", {"before": "2024-05-31"}, "B"),
        ("category", "category", ["toy", "tool"], "B"),
        ("name", "mine", "x", "A"),
        ("name", "name", "admin", "A"),
        ("description", "unnamed", "c", "AB"),
        ("name", "name__regex", "^admin", "A"),
    ],
)
def test_filter_finds_what_it_finds_and_its_negation_the_rest(
    shelf: list[Product], col: str, name: str, value: Any, skus: str
) -> None:
    assert found(leaf(col, name, value)) == list(skus)
    assert found({"not": leaf(col, name, value)}) == [sku for sku in "ABC" if sku not in skus]
    nested = {"or": [leaf(col, name, value), {"col": "sku", "op": "eq", "value": "A"}]}
    assert found(nested) == sorted({*skus, "A"})


def test_lookup_of_a_field_is_a_plain_condition_that_an_index_serves() -> None:
    query = GridQuery.from_dict({"filter": leaf("price", "price__lt", 7)})
    assert str(compile_query(GridAccess(FilteredGrid, ADMIN), query).queryset.query).count("SELECT") == 1


@pytest.mark.parametrize(
    ("name", "value", "there", "elsewhere"),
    [
        ("restocked__date", "2024-01-01", True, False),
        ("restocked__year", 2024, True, False),
        ("restocked__hour", 1, True, False),
        ("restocked", {"after": "2024-01-01", "before": "2024-01-01"}, True, False),
    ],
)
def test_days_begin_in_the_zone_of_the_query(name: str, value: Any, there: bool, elsewhere: bool) -> None:
    make_products([{"sku": "A", "restocked": datetime(2023, 12, 31, 20, 0, tzinfo=UTC)}, {"sku": "B"}])
    for tz, finds in (("Asia/Kathmandu", there), ("UTC", elsewhere)):
        for node, skus in ((leaf("restocked", name, value), ["A"]), ({"not": leaf("restocked", name, value)}, ["B"])):
            found_here = values(ask(FilteredGrid, filter=node, tz=tz), "sku")
            assert found_here == (skus if finds else ["A", "B"] if "not" in node else []), (tz, node)


@pytest.mark.parametrize(
    ("node", "place", "text"),
    [
        (leaf("price", "price__lt", "much"), "/value", "Enter a number."),
        (leaf("price", "price__lt", ""), "/value", "empty"),
        (leaf("price", "price__lt", None), "/value", "empty"),
        (leaf("price", "price__lt", [1]), "/value", "plain value"),
        (leaf("price", "price__lt", 1e60), "/value", "less than or equal"),
        (leaf("price", "cheap", "yes"), "/value", "true or false"),
        (leaf("price", "cheap", None), "/value", "true or false"),
        (leaf("stock", "stock", {"min": "x"}), "/value", "Enter a number."),
        (leaf("stock", "stock", {}), "/value", "empty"),
        (leaf("stock", "stock", {"least": 1}), "/value", "keys min, max"),
        (leaf("stock", "stock", 5), "/value", "keys min, max"),
        (leaf("stock", "stock__in", []), "/value", "empty"),
        (leaf("stock", "stock__in", [None]), "/value", "without null"),
        (leaf("stock", "stock__in", "1,2"), "/value", "list"),
        (leaf("stock", "stock", {"min": {"x": 1}}), "/value", "plain value"),
        (leaf("released", "released", {"after": "31.12.2024"}), "/value", "valid date"),
        (leaf("released", "released", {"after": 5}), "/value", "valid date"),
        (leaf("category", "category", ["car"]), "/value", "car is not one of"),
        (leaf("name", "name", "too long"), "/value", "at most 5 characters"),
        (leaf("name", "name", "a\x00"), "/value", "database can hold"),
        (leaf("name", "name", "\ud800"), "/value", "database can hold"),
        (leaf("name", "cheap", "x"), "/name", "has no such filter; it has mine, name, name__regex"),
        (leaf("name", "nosuch", "x"), "/name", "has no such filter"),
        (leaf("sku", "name", "a"), "/op", "has no operator filter"),
        (leaf("name", "name", "a", ci=False), "/ci", "no 'ci'"),
        (leaf("name", "name", "a", to="b"), "/to", "between"),
        ({"col": "name", "op": "filter", "value": "a"}, "", "needs the 'name'"),
        ({"col": "name", "op": "filter", "name": "name"}, "", "needs a 'value'"),
        ({"col": "name", "op": "eq", "name": "name", "value": "a"}, "/name", "takes a 'name'"),
        (leaf("stock", "stock", {str(n): 1 for n in range(11)}), "/value", "11 parts"),
    ],
)
def test_what_the_filter_does_not_take_is_refused_at_its_place(node: dict[str, Any], place: str, text: str) -> None:
    with pytest.raises(QueryError) as caught:
        found({"and": [node]})
    (item,) = caught.value.errors
    assert item.pointer == f"/filter/and/0{place}"
    assert text in item.detail


def test_pattern_that_is_none_is_refused_at_every_door_without_the_text_of_the_database(shelf: list[Product]) -> None:
    bad = {"filter": leaf("name", "name__regex", "(")}
    access = GridAccess(FilteredGrid, ADMIN)
    selection = Selection.from_dict({"query": bad})
    doors: list[Callable[[], Any]] = [
        lambda: ask(FilteredGrid, **bad),
        lambda: ask(FilteredGrid, **bad, group=["stock"]),
        lambda: ask(FilteredGrid, **bad, include=["totals"], aggregates=[{"fn": "count"}]),
        lambda: check_bulk(access, BulkChange("update", selection, 3, {"name": "x"})),
    ]
    for door in doors:
        with pytest.raises(QueryNotComputableError, match="can't compute") as caught, transaction.atomic():
            door()
        assert "(" not in caught.value.detail


def test_filters_of_a_hidden_column_answer_like_those_of_none(shelf: list[Product]) -> None:
    def told(col: str, name: str, value: Any) -> Any:
        try:
            return found({"not": leaf(col, name, value)}, User.objects.get_or_create(username="clerk")[0])
        except GridKitError as error:
            return str((error.code, error.detail, error.errors)).replace(col, "COLUMN")

    assert told("price", "cheap", 1) == told("prize", "cheap", 1) == told("price", "nosuch", "much")
    assert "column-unknown" in told("price", "price__lt", "much")
    assert told("discount", "price__lt", 7) == told("discount", "nosuchxx", 7).replace("nosuchxx", "price__lt")


def test_filter_works_on_the_rows_that_the_user_may_see() -> None:
    class OwnGrid(FilteredGrid):
        class Meta(FilteredGrid.Meta):
            id = "own-products"
            row_permission = staticmethod(lambda rows, user: rows.exclude(sku="C"))

    make_products([{"sku": sku, "stock": stock} for sku, stock in (("A", 1), ("B", 5), ("C", 9))])
    best = leaf("stock", "best", 1)
    assert found(best, grid=OwnGrid) == ["B"]
    assert found({"not": best}, grid=OwnGrid) == ["A"]


def test_state_with_a_filter_is_stored_and_read_back_equal(shelf: list[Product]) -> None:
    access = GridAccess(FilteredGrid, ADMIN)
    raw = {"query": {"filter": {"and": [leaf("stock", "stock", {"min": 2}), leaf("stock", "stock__in", [5, 9])]}}}
    state = read_state(access, raw)
    written = state.to_dict()
    assert written["query"] == raw["query"]
    assert open_state(access, json.loads(json.dumps(written)), 1).state == state
    price = read_state(access, {"query": {"filter": leaf("price", "cheap", value=True)}}).to_dict()
    clerk = GridAccess(FilteredGrid, User.objects.create(username="clerk"))
    assert open_state(clerk, price, 1).dropped == ("/query/filter",)


def test_schema_describes_the_filters_that_the_user_has() -> None:
    columns = {item["id"]: item for item in grid_schema(GridAccess(FilteredGrid, ADMIN))["columns"]}  # type: ignore[union-attr, call-overload, index]
    assert [item["name"] for item in columns["stock"]["filters"]] == ["stock", "stock__in", "best"]
    assert columns["stock"]["ops"][-1] == "filter"
    assert columns["stock"]["filters"][0] == {
        "name": "stock",
        "label": "Stock",
        "type": "object",
        "many": False,
        "parts": [{"key": "min", "type": "decimal"}, {"key": "max", "type": "decimal"}],
        "choices": None,
    }
    assert (columns["stock"]["filters"][1]["type"], columns["stock"]["filters"][1]["many"]) == ("decimal", True)
    assert columns["category"]["filters"][0]["choices"][0] == {"value": "book", "label": "Book"}
    assert columns["sku"]["filters"] == []
    told = json.dumps(grid_schema(GridAccess(FilteredGrid, User.objects.create(username="clerk"))))
    assert "cheap" not in told
    assert "price__lt" not in told


def test_typescript_types_name_the_filters() -> None:
    text = grid_types([(FilteredGrid, ())])
    start = '{ readonly col: "stock"; readonly op: "filter"; readonly name: '
    assert f'{start}"stock"; readonly value: {{ readonly "min"?: Decimal | number; readonly "max"?:' in text
    assert f'{start}"stock__in"; readonly value: readonly (Decimal | number)[] }}' in text
    assert 'readonly name: "cheap"; readonly value: boolean }' in text
    assert 'readonly name: "category"; readonly value: readonly ("book" | "toy" | "tool")[] }' in text
    assert 'readonly op: "eq" | "filter"' not in text


def test_key_of_another_table_is_looked_up_among_the_rows_that_the_set_offers() -> None:
    class OrderFilters(df.FilterSet):  # type: ignore[misc]
        customer = df.ModelChoiceFilter(queryset=lambda request: Customer.objects.filter(name=request.user.first_name))

    class OrderFilterGrid(Grid):
        class Meta:
            model = Order
            id = "filter-orders"
            columns = ["id", "customer"]
            filterset_class = OrderFilters

    make_orders(3)
    ann, bob = Customer.objects.order_by("name")
    user = User(username="root", is_superuser=True, first_name="Ann")
    assert len(ask(OrderFilterGrid, user, filter=leaf("customer", "customer", ann.pk)).rows) == 2
    told = []
    for key in (bob.pk, 10**6, 2**70):
        with pytest.raises(FilterValueError) as caught:
            ask(OrderFilterGrid, user, filter=leaf("customer", "customer", key))
        told.append(caught.value.detail)
    assert len(set(told)) == 1
    assert "filter-orders" in grid_types([(OrderFilterGrid, ())])


def test_filter_that_gives_no_queryset_is_told_to_the_developer() -> None:
    class Wrong(df.FilterSet):  # type: ignore[misc]
        name = df.CharFilter(method=lambda rows, name, value: list(rows))

    class WrongGrid(Grid):
        class Meta:
            model = Product
            id = "wrong-products"
            columns = ["name"]
            filterset_class = Wrong

    with pytest.raises(GridDeclarationError, match="must give a queryset"):
        ask(WrongGrid, filter=leaf("name", "name", "a"))


class _Form(forms.Form):
    def clean_name(self) -> None:
        """Would be passed by."""


class _Overriding(df.FilterSet):  # type: ignore[misc]
    name = df.CharFilter()

    class Meta:
        model = Product
        fields: Sequence[str] = []
        form = _Form

    def filter_queryset(self, queryset: Any) -> Any:
        return queryset


class _OfCustomers(df.FilterSet):  # type: ignore[misc]
    name = df.CharFilter()

    class Meta:
        model = Customer
        fields: Sequence[str] = []


def _set(**filters: Any) -> Any:
    return type("MadeFilters", (df.FilterSet,), filters)


@pytest.mark.parametrize(
    ("filter_set", "columns", "text"),
    [
        (Product, {}, "no FilterSet of django-filter"),
        (_Overriding, {}, "overrides filter_queryset, Meta.form.clean_name"),
        (_OfCustomers, {}, "filters Customer, but the grid shows Product"),
        (_set(order=df.OrderingFilter(fields=["name"])), {}, "orders rows"),
        (_set(name=df.AllValuesFilter()), {}, "facets do better"),
        (_set(secret=df.CharFilter(field_name="token")), {}, "belongs to no column"),
        (_set(any=df.CharFilter(method="x")), {}, "belongs to no column"),
        (_set(name=df.CharFilter()), {"again": TextColumn("name")}, "may belong to name, again"),
        (
            _set(name=df.CharFilter()),
            {"again": TextColumn("name", filters=["name", "nosuch"])},
            "names the filter 'nosuch'",
        ),
        (
            _set(name=df.CharFilter()),
            {"again": TextColumn("name", filters=["name"], filterable=False)},
            "names filters but is not filterable",
        ),
        (
            _set(one=df.CharFilter(field_name="name")),
            {"again": TextColumn("name", filters=["one"]), "more": TextColumn("name", filters=["one"])},
            "may belong to again, more",
        ),
        (None, {"again": TextColumn("name", filters=["one"])}, "does not have"),
    ],
)
def test_filter_set_that_can_not_serve_is_a_fault(filter_set: Any, columns: dict[str, Any], text: str) -> None:
    meta = type(
        "Meta",
        (),
        {"model": Product, "id": "faulty-filters", "columns": ["name", *columns], "filterset_class": filter_set},
    )
    grid = type("FaultyGrid", (Grid,), {**columns, "Meta": meta})
    faults = grid.faults()
    assert {fault.code for fault in faults} == {"E112"}
    assert any(text in fault.detail for fault in faults), faults


def test_set_without_a_fault_is_none() -> None:
    assert FilteredGrid.faults() == []
    assert CLERK.username
