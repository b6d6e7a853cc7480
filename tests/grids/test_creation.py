"""New rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from gridkit_django.events import Moment
from gridkit_django.exceptions import (
    AccessDeniedError,
    ColumnNotEditableError,
    EditInvalidError,
    EventRejected,
    UnknownColumnError,
)
from gridkit_django.grids import Grid, GridAccess
from gridkit_django.grids.creation import create_row
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.records import get_record
from tests.grids.edits import ADMIN, OrderEditGrid, ProductEditGrid, hearing, product, receiving
from tests.grids.shop import OrderGrid
from tests.shop.models import Customer, Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

SAW = {"sku": "S-1", "name": "Saw", "price": "9.50"}


def access_of(user: Any = ADMIN, grid: type[Grid] = ProductEditGrid) -> GridAccess:
    return GridAccess(grid, user)


def clerk(*rights: str, **fields: Any) -> User:
    user = User.objects.create_user("bob", **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


def test_new_row_is_saved_with_its_defaults_and_answered() -> None:
    result = create_row(access_of(), SAW)
    row = Product.objects.get()
    assert (row.sku, row.price, row.stock, row.category) == ("S-1", Decimal("9.50"), 0, "book")
    assert result.row == get_record(access_of(), row.pk)
    assert set(SAW) <= set(result.changed)
    assert (result.matches_filter, result.moved, result.undo) == (None, None, None)


def test_new_row_is_held_against_what_the_user_looks_at() -> None:
    query = GridQuery.from_dict({"filter": {"col": "stock", "op": "gt", "value": 5}})
    result = create_row(access_of(), {**SAW, "stock": 9}, query)
    assert (result.matches_filter, result.moved) == (True, True)


def test_missing_values_are_named_with_their_places() -> None:
    with pytest.raises(EditInvalidError) as caught:
        create_row(access_of(), {"name": "Saw"})
    assert {item.pointer for item in caught.value.errors} == {"/values/sku", "/values/price"}
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    ("values", "pointer"),
    [({"stock": "many"}, "/values/stock"), ({"price": "-1"}, "/values/price"), ({"category": "x"}, "/values/category")],
)
def test_values_that_do_not_fit_are_refused_with_their_places(values: dict[str, Any], pointer: str) -> None:
    with pytest.raises(EditInvalidError) as caught:
        create_row(access_of(), {**SAW, **values})
    assert [item.pointer for item in caught.value.errors] == [pointer]


def test_value_that_must_be_unique_is_refused_with_its_place() -> None:
    product(sku="S-1")
    with pytest.raises(EditInvalidError) as caught:
        create_row(access_of(), SAW)
    assert [item.pointer for item in caught.value.errors] == ["/values/sku"]


def test_hidden_and_closed_columns_are_refused() -> None:
    with pytest.raises(UnknownColumnError) as hidden:
        create_row(access_of(clerk("edit_grid", "add_product")), SAW)
    assert hidden.value.errors[0].pointer == "/values/price"
    with pytest.raises(ColumnNotEditableError) as closed:
        create_row(access_of(), {**SAW, "token": "x"})
    assert closed.value.errors[0].pointer == "/values/token"


def test_field_that_the_user_may_not_see_is_not_named() -> None:
    ann = Customer.objects.create(name="Ann", email="a@x.org")
    with pytest.raises(EditInvalidError) as caught:
        create_row(access_of(grid=OrderEditGrid), {"customer": ann.pk})
    assert "product" not in str([item.detail for item in caught.value.errors])
    assert [item.pointer for item in caught.value.errors] == ["/values"]


def test_grid_fills_in_what_people_do_not_give() -> None:
    hammer = product()
    ann = Customer.objects.create(name="Ann", email="a@x.org")
    user = clerk("edit_grid", "add_order", last_name="A-1")
    create_row(access_of(user, OrderEditGrid), {"customer": ann.pk})
    assert Order.objects.get().product == hammer


def test_row_that_its_maker_could_not_see_is_refused() -> None:
    product()
    ann = Customer.objects.create(name="Ann", email="a@x.org")
    user = clerk("edit_grid", "add_order", last_name="A-1")
    with pytest.raises(EditInvalidError, match="none that you may see"):
        create_row(access_of(user, OrderEditGrid), {"customer": ann.pk, "state": "sent"})
    assert not Order.objects.exists()


@pytest.mark.parametrize("rights", [[], ["edit_grid"], ["add_product"], ["edit_grid", "change_product"]])
def test_new_row_takes_both_rights(rights: list[str]) -> None:
    with pytest.raises(AccessDeniedError):
        create_row(access_of(clerk(*rights)), {"sku": "S-1", "name": "Saw"})


def test_grid_that_takes_no_new_rows_takes_none_from_anybody() -> None:
    assert not access_of(grid=OrderGrid).can_create
    with pytest.raises(AccessDeniedError):
        create_row(access_of(grid=OrderGrid), {})


def test_creation_is_told_before_and_after() -> None:
    with hearing() as heard:
        result = create_row(access_of(), SAW)
    assert heard.told() == [("row:create", "before"), ("row:create", "after")]
    before = heard.payload("row:create", "before")
    assert (before["rowId"], before["values"]["name"], before["values"]["stock"]) == ("", "Saw", 0)
    assert heard.payload("row:create", "after") == {
        "rowId": str(result.row.id),
        "values": result.row.data,
        "version": result.row.version,
    }


def test_vetoed_row_is_not_made() -> None:
    def veto(**_kwargs: Any) -> None:
        raise EventRejected("Not today.")

    with receiving("row:create", Moment.BEFORE, veto), pytest.raises(EventRejected):
        create_row(access_of(), SAW)
    assert not Product.objects.exists()
