"""The version token of a row."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import DecimalColumn, JSONColumn, TextColumn
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.versions import RowVersions, row_version
from tests.shop.models import Order, Product


class VersionGrid(Grid):
    price = DecimalColumn(permission="shop.view_price")

    class Meta:
        model = Product
        id = "version-products"
        columns = ["sku", "price", "attributes", "restocked"]


class OpenVersionGrid(VersionGrid):
    price = DecimalColumn(permission="shop.view_price", editable=True)
    attributes = JSONColumn(editable=True)

    class Meta(VersionGrid.Meta):
        id = "version-open"


class OrderVersionGrid(Grid):
    customer_name = TextColumn("customer__name")

    class Meta:
        model = Order
        id = "version-orders"
        columns = ["customer", "customer_name", "note"]


ADMIN = User(is_superuser=True)
VALUES: dict[str, Any] = {
    "sku": "A-1",
    "price": Decimal("1.10"),
    "attributes": {"a": 1, "b": [2]},
    "restocked": datetime(2013, 1, 1, 12, tzinfo=UTC),
}


def token(grid: type[Grid] = VersionGrid, user: User = ADMIN, **changed: Any) -> str:
    return row_version(GridAccess(grid, user), {**VALUES, **changed})


def test_token_is_short_and_fits_an_etag() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{12}", token())
    assert re.fullmatch(r"[A-Za-z0-9_-]{20}", token(OpenVersionGrid))


def test_same_values_give_the_same_token() -> None:
    assert token() == token()
    assert token(attributes={"b": [2], "a": 1}) == token()
    east = timezone(timedelta(hours=5))
    assert token(restocked=VALUES["restocked"].astimezone(UTC)) == token()
    assert token(restocked=VALUES["restocked"].astimezone(east)) == token()


@pytest.mark.parametrize(
    "changed",
    [
        {"sku": "A-2"},
        {"sku": ""},
        {"price": Decimal("1.11")},
        {"price": None},
        {"attributes": {"a": True, "b": [2]}},
        {"attributes": None},
        {"restocked": VALUES["restocked"] + timedelta(microseconds=1)},
    ],
    ids=str,
)
def test_any_other_visible_value_gives_another_token(changed: dict[str, Any]) -> None:
    assert token(**changed) != token()


def test_no_value_and_the_word_for_it_differ() -> None:
    assert token(sku=None) != token(sku="null")


@pytest.mark.django_db
def test_hidden_column_plays_no_part_and_need_not_be_given() -> None:
    user = User.objects.create_user("bob")
    seen = token(user=user)
    assert token(user=user, price=Decimal(9)) == seen
    assert row_version(GridAccess(VersionGrid, user), {k: v for k, v in VALUES.items() if k != "price"}) == seen
    assert seen != token()


def test_labels_behind_a_foreign_key_play_no_part() -> None:
    values = {"customer": 1, "customer_name": "Ada", "note": ""}
    access = GridAccess(OrderVersionGrid, ADMIN)
    first = row_version(access, values)
    assert row_version(access, {**values, "customer_name": "Bob"}) == first
    assert row_version(access, {**values, "customer": 2}) != first


def test_token_depends_on_the_grid() -> None:
    class TwinGrid(VersionGrid):
        class Meta(VersionGrid.Meta):
            id = "version-twins"

    assert token(TwinGrid) != token()


@pytest.mark.parametrize(
    ("changed", "columns"),
    [
        ({}, set()),
        ({"price": Decimal("1.11")}, {"price"}),
        ({"price": None, "attributes": {"a": True, "b": [2]}}, {"price", "attributes"}),
        ({"sku": "A-2"}, set()),
        ({"sku": "A-2", "attributes": '{"a": 1, "b": [2]}'}, {"attributes"}),
    ],
    ids=["nothing", "one", "two", "another", "one beside another"],
)
def test_two_tokens_tell_which_editable_columns_differ(changed: dict[str, Any], columns: set[str]) -> None:
    versions = RowVersions(GridAccess(OpenVersionGrid, ADMIN))
    older, newer = token(OpenVersionGrid), token(OpenVersionGrid, **changed)
    assert versions.changed_between(older, newer) == columns == versions.changed_between(newer, older)
    assert (older == newer) is (not changed)


@pytest.mark.django_db
def test_tokens_of_others_grids_and_columns_tell_nothing() -> None:
    versions = RowVersions(GridAccess(OpenVersionGrid, ADMIN))
    mine, blind = token(OpenVersionGrid), token(OpenVersionGrid, User.objects.create_user("bob"))
    for other in (blind, token(), "", "x", "*" * 20, mine[:-1], mine + "A", mine.swapcase(), "é" * 20):
        assert versions.changed_between(other, mine) is None
        assert versions.changed_between(mine, other) is None
