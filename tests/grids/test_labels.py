"""Labels of keys: of every row in an answer, by one query, and only of rows that the user may see in their own grid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gridkit_django.exceptions import QueryError
from gridkit_django.grids import Grid, GridAccess, IntegerColumn, grid_registry
from gridkit_django.grids.columns.identifier import UUIDColumn
from gridkit_django.grids.facets import FacetQuery, fetch_facet
from gridkit_django.grids.labels import read_labels
from tests.grids.shop import ADMIN, ask, make_products
from tests.shop.models import Customer, Order, Product, Specimen

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Customers(Grid):
    class Meta:
        model = Customer
        id = "label-customers"
        columns = ["name", "country"]
        row_permission = staticmethod(lambda rows, user: rows.filter(country="NL"))


class Products(Grid):
    class Meta:
        model = Product
        id = "label-products"
        columns = ["stock", "sku"]


class Specimens(Grid):
    parent = UUIDColumn(lookup="label-specimens")

    class Meta:
        model = Specimen
        id = "label-specimens"
        columns = ["whole", "text", "parent"]


class Orders(Grid):
    customer = IntegerColumn(lookup="label-customers")
    referrer = IntegerColumn(lookup="label-customers")
    product = IntegerColumn(lookup="label-products")

    class Meta:
        model = Order
        id = "label-orders"
        columns = ["customer", "referrer", "product", "quantity"]
        default_sort = ["quantity"]


GRIDS = (Customers, Products, Specimens, Orders)


@pytest.fixture(autouse=True)
def grids(db: None) -> Iterator[None]:
    for grid in GRIDS:
        grid_registry().register(grid)
    yield
    for grid in GRIDS:
        grid_registry().unregister(grid.options.id)


@pytest.fixture
def people() -> dict[str, Customer]:
    """Two customers whom their grid shows, one whom it does not, each with an order of a hammer."""
    make_products([{"sku": "HAMMER"}])
    lands = {"Bo": "NL", "Al": "NL", "Cy": "FR"}
    made = {name: Customer.objects.create(name=name, email=f"{name}@x.example", country=lands[name]) for name in lands}
    for number, customer in enumerate(made.values()):
        placed = datetime(2024, 1, 1 + number, tzinfo=UTC)
        Order.objects.create(
            customer=customer, referrer=made["Al"], product=Product.objects.get(), quantity=number, placed=placed
        )
    return made


def labels(column: str, user: User = ADMIN, grid: type[Grid] = Orders, **raw: Any) -> dict[Any, Any]:
    page = ask(grid, user, include=["labels"], **raw)
    assert page.labels is not None
    return {item["value"]: item["label"] for item in page.labels.get(column, [])}


def test_labels_of_all_columns_cost_one_query_and_none_without_being_asked_for(people: dict[str, Customer]) -> None:
    with CaptureQueriesContext(connection) as plain:
        assert ask(Orders).labels is None
    with CaptureQueriesContext(connection) as named:
        page = ask(Orders, include=["labels"])

    assert page.labels is not None
    assert set(page.labels) == {"customer", "referrer", "product"}
    assert page.labels["product"] == [{"value": Product.objects.get().pk, "label": "HAMMER"}]
    assert len(named) == len(plain) + 1


def test_rows_that_their_grid_does_not_show_have_no_label(people: dict[str, Customer]) -> None:
    assert labels("customer") == {people["Bo"].pk: "Bo", people["Al"].pk: "Al"}
    assert labels("customer", columns=["quantity"]) == {}


def test_grid_that_the_user_may_not_open_gives_no_labels(people: dict[str, Customer]) -> None:
    guest = User.objects.create(username="guest")
    assert labels("customer", guest) == {}
    guest.user_permissions.add(Permission.objects.get(codename="open_grid"))
    assert set(labels("customer", User.objects.get(pk=guest.pk)).values()) == {"Bo", "Al"}


def test_keys_of_the_filter_have_labels_though_no_row_holds_them(people: dict[str, Customer]) -> None:
    pk, other = people["Bo"].pk, people["Al"].pk
    tree = {
        "and": [
            {"col": "customer", "op": "in", "value": [pk, None]},
            {"not": {"col": "customer", "op": "ne", "value": other}},
        ]
    }
    assert labels("customer", filter=tree) == {pk: "Bo", other: "Al"}


def test_groups_facets_and_pivots_read_labels_for_keys(people: dict[str, Customer]) -> None:
    hidden = str(people["Cy"].pk)
    page = ask(Orders, group=["customer"], include=["labels"])
    assert [row.group.label for row in page.rows if row.group] == ["Bo", "Al", hidden]

    facet = fetch_facet(GridAccess(Orders, ADMIN), "customer", FacetQuery.from_dict({"order": "value"}))
    assert [label for _, label, _ in facet.values] == ["Bo", "Al", hidden]

    pivot = {"cols": ["customer"], "values": [{"fn": "sum", "col": "quantity"}]}
    page = ask(Orders, group=["product"], pivot=pivot, include=["labels"])
    assert page.pivot_fields is not None
    assert [made["labels"] for made in page.pivot_fields] == [["Bo"], ["Al"], [hidden]]
    assert [row.group.label for row in page.rows if row.group] == ["HAMMER"]


def test_keys_of_another_type_are_found_and_what_is_no_key_is_left_out() -> None:
    parent = Specimen.objects.create(text="trunk")
    Specimen.objects.create(text="twig", parent=parent)
    Specimen.objects.create(text="", parent=Specimen.objects.create(text=None))

    assert labels("parent", grid=Specimens) == {str(parent.pk): "trunk"}
    access = GridAccess(Specimens, ADMIN)
    assert read_labels(access, {"parent": ["nonsense", True, 7, str(parent.pk)], "text": ["trunk"]}) == {
        "parent": {str(parent.pk): "trunk"}
    }


def test_what_is_included_is_named_by_known_words_only() -> None:
    with pytest.raises(QueryError):
        ask(Orders, include=["captions"])
