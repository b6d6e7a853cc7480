"""Facets count values under the other filters; lookups offer values to choose from; both through the gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from gridkit_django.exceptions import QueryError, UnknownColumnError
from gridkit_django.grids import Grid, GridAccess, IntegerColumn, TextColumn, grid_registry
from gridkit_django.grids.facets import FacetQuery, fetch_facet, without_column
from gridkit_django.grids.lookups import LookupQuery, fetch_options, is_option
from gridkit_django.grids.tree import filter_to_dict, read_filter
from tests.grids.shop import ADMIN, ProductGrid, ask, make_orders, make_products
from tests.shop.models import Customer, Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def counted(column: str, grid: type[Grid] = ProductGrid, user: User = ADMIN, **raw: Any) -> list[tuple[Any, int]]:
    facet = fetch_facet(GridAccess(grid, user), column, FacetQuery.from_dict(raw))
    return [(value, count) for value, _label, count in facet.values]


def test_values_are_counted_with_a_bucket_for_rows_without_one() -> None:
    make_products([{"rating": 1.0}, {"rating": 1.0}, {"rating": None}, {"rating": None}, {"rating": None}])

    assert counted("rating") == [(None, 3), (1.0, 2)]
    assert counted("rating", order="value") == [(1.0, 2), (None, 3)]


def test_own_filter_plays_no_part_and_the_others_do() -> None:
    make_products([{"category": "toy", "stock": 1}, {"category": "book", "stock": 1}, {"category": "book", "stock": 2}])
    own = {"col": "category", "op": "eq", "value": "toy"}
    other = {"col": "stock", "op": "eq", "value": 1}

    assert counted("category", filter=own) == [("book", 2), ("toy", 1)]
    assert dict(counted("category", filter={"and": [own, other]})) == {"book": 1, "toy": 1}
    assert counted("category", filter={"or": [own, other]}) == [("book", 1), ("toy", 1)]


@pytest.mark.parametrize(
    ("tree", "left"),
    [
        ({"and": [{"col": "a", "op": "blank"}, {"col": "b", "op": "blank"}]}, {"and": [{"col": "b", "op": "blank"}]}),
        ({"not": {"col": "a", "op": "blank"}}, None),
        (
            {"or": [{"col": "a", "op": "blank"}, {"col": "b", "op": "blank"}]},
            {"or": [{"col": "a", "op": "blank"}, {"col": "b", "op": "blank"}]},
        ),
        ({"or": [{"col": "a", "op": "blank"}, {"col": "a", "op": "nblank"}]}, None),
        ({"and": [{"and": [{"col": "a", "op": "blank"}]}]}, None),
    ],
)
def test_without_column_takes_away_what_is_about_it_alone(tree: Any, left: Any) -> None:
    found = without_column(read_filter(tree), "a")
    assert (None if found is None else filter_to_dict(found)) == left


def test_values_are_searched_by_what_people_read() -> None:
    make_products([{"category": "toy", "name": "ball"}, {"category": "tool", "name": "BALLAST", "stock": 7}])

    assert counted("category", q="TOO") == [("tool", 1)]
    assert counted("category", q="car") == []
    assert {value for value, _ in counted("name", q="ball")} == {"ball", "BALLAST"}
    assert counted("stock", q="7") == [(7, 1)]
    assert counted("stock", q="seven") == []


def test_values_come_in_pages() -> None:
    make_products([{"stock": stock} for stock in (1, 2, 3, 3)])
    access = GridAccess(ProductGrid, ADMIN)

    first = fetch_facet(access, "stock", FacetQuery.from_dict({"size": 2}))
    rest = fetch_facet(access, "stock", FacetQuery.from_dict({"size": 2, "after": first.next}))

    assert [value for value, _, _ in (*first.values, *rest.values)] == [3, 1, 2]
    assert first.has_next
    assert rest.next is None


def test_facet_of_a_hidden_column_answers_like_one_that_does_not_exist() -> None:
    for name in ("price", "nothing"):
        with pytest.raises(UnknownColumnError, match=rf"no column '{name}'"):
            counted(name, user=User.objects.create(username=name))


@pytest.mark.parametrize(
    ("column", "raw"),
    [("attributes", {}), ("sku", {"size": 0}), ("sku", {"order": "up"}), ("sku", {"colour": 1}), ("sku", {"sort": []})],
)
def test_facet_that_is_not_understood_is_refused(column: str, raw: dict[str, Any]) -> None:
    with pytest.raises(QueryError):
        counted(column, **raw)


def test_facets_beside_rows_keep_to_row_permissions() -> None:
    class Own(Grid):
        class Meta:
            model = Product
            id = "own-products"
            columns = ["category", "stock"]
            row_permission = staticmethod(lambda rows, user: rows.filter(stock=1))

    make_products([{"category": "toy", "stock": 1}, {"category": "book", "stock": 2}])

    page = ask(Own, include=[{"facets": ["category"]}])

    assert page.facets is not None
    assert page.facets["category"]["values"] == [{"value": "toy", "label": "Toy", "count": 1}]


class CustomerLookup(Grid):
    class Meta:
        model = Customer
        id = "lookup-customers"
        columns = ["name", "country"]
        search = ["name"]
        row_permission = staticmethod(lambda rows, user: rows.filter(country="NL"))


class OrdersWithLookup(Grid):
    customer = IntegerColumn(lookup="lookup-customers")

    class Meta:
        model = Order
        id = "orders-with-lookup"
        columns = ["customer", "state", "note"]


@pytest.fixture
def customers() -> Iterator[list[Customer]]:
    """The grid of customers is registered; three customers, two of whom it shows."""
    grid_registry().register(CustomerLookup)
    lands = {"Bo": "NL", "Al": "NL", "Cy": "FR"}
    made = [Customer.objects.create(name=name, email=f"{name}@x.example", country=lands[name]) for name in lands]
    yield made
    grid_registry().unregister("lookup-customers")


def options(column: str, user: User = ADMIN, **raw: Any) -> list[tuple[Any, str]]:
    return list(fetch_options(GridAccess(OrdersWithLookup, user), column, LookupQuery.from_dict(raw)).values)


def test_options_of_a_foreign_key_are_the_rows_of_its_grid_that_the_user_may_see(customers: list[Customer]) -> None:
    bo, al, _cy = customers

    assert sorted(options("customer")) == [(bo.pk, "Bo"), (al.pk, "Al")]
    assert options("customer", q="al") == [(al.pk, "Al")]
    assert len(options("customer", size=1)) == 1


def test_options_from_a_grid_that_the_user_may_not_open_are_none(customers: list[Customer]) -> None:
    user = User.objects.create(username="no-rights")
    access = GridAccess(OrdersWithLookup, user)

    assert options("customer", user) == []
    assert not is_option(access, access.column("customer"), customers[0].pk)

    user.user_permissions.add(Permission.objects.get(codename="open_grid"))
    assert len(options("customer", User.objects.get(pk=user.pk))) == 2


def test_only_rows_of_the_lookup_may_be_chosen(customers: list[Customer]) -> None:
    access = GridAccess(OrdersWithLookup, ADMIN)
    column = access.column("customer")

    assert [is_option(access, column, item.pk) for item in customers] == [True, True, False]
    assert is_option(access, column, None)
    assert not is_option(access, column, "many")
    assert is_option(access, access.column("note"), "anything")


def test_options_of_choices_are_the_choices_and_of_free_columns_what_occurs() -> None:
    make_orders(3)

    assert dict(options("state")) == dict(Order._meta.get_field("state").flatchoices)
    assert options("note", q="2") == [("note 2", "note 2")]


def test_options_of_a_hidden_column_answer_like_one_that_does_not_exist() -> None:
    for name in ("price", "nothing"):
        with pytest.raises(UnknownColumnError, match=rf"no column '{name}'"):
            fetch_options(GridAccess(ProductGrid, User.objects.create(username=name)), name, LookupQuery())


def test_lookup_on_a_column_that_is_no_foreign_key_is_a_fault() -> None:
    class Wrong(Grid):
        note = TextColumn(lookup="lookup-customers")

        class Meta:
            model = Order
            id = "wrong-lookup"
            columns = ["note"]

    assert [fault.code for fault in Wrong.faults()] == ["E110"]
