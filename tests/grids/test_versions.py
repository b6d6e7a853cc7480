"""The version token of a row."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import DecimalColumn, TextColumn
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.versions import row_version
from tests.shop.models import Order, Product


class VersionGrid(Grid):
    price = DecimalColumn(permission="shop.view_price")

    class Meta:
        model = Product
        id = "version-products"
        columns = ["sku", "price", "attributes", "restocked"]


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
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", token())


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


def test_token_depends_on_the_site_and_on_the_grid() -> None:
    class TwinGrid(VersionGrid):
        class Meta(VersionGrid.Meta):
            id = "version-twins"

    assert token(TwinGrid) != token()
    before = token()
    with override_settings(SECRET_KEY="another"):
        assert token() != before
