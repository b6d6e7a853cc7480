"""Single rows by their primary key."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from gridkit_django.exceptions import RecordNotFoundError
from gridkit_django.grids import Grid, GridAccess
from gridkit_django.grids.records import get_record
from tests.grids.edits import ADMIN, OrderEditGrid, ProductEditGrid, order, product
from tests.shop.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class TextKeyGrid(Grid):
    class Meta:
        model = Session
        id = "edit-sessions"
        columns = ["session_key", "session_data"]


def test_record_holds_all_visible_columns_and_the_version() -> None:
    row = product()
    found = get_record(GridAccess(ProductEditGrid, ADMIN), str(row.pk))
    assert found.id == row.pk
    assert list(found.data) == list(ProductEditGrid.columns())
    assert (found.data["sku"], found.data["price"], found.data["stock"]) == ("A-1", "9.90", 3)
    assert get_record(GridAccess(ProductEditGrid, ADMIN), row.pk) == found


def test_hidden_column_is_not_in_the_record() -> None:
    found = get_record(GridAccess(ProductEditGrid, User.objects.create_user("bob")), product().pk)
    assert "price" not in found.data


def test_row_is_read_with_its_labels_in_one_query(django_assert_num_queries: Any) -> None:
    row = order()
    with django_assert_num_queries(1):
        found = get_record(GridAccess(OrderEditGrid, ADMIN), row.pk)
    assert (found.data["customer"], found.data["customer_name"], found.data["referrer_name"]) == (
        row.customer_id,
        "Ann",
        None,
    )


@pytest.mark.parametrize("key", [None, "", "x", "1.5", "0", "-1", "9" * 30, "1\x00", "\ud800", "1e3", "NaN"])
def test_key_that_no_row_has_is_not_found(key: str | None) -> None:
    product()
    with pytest.raises(RecordNotFoundError):
        get_record(GridAccess(ProductEditGrid, ADMIN), key)


@pytest.mark.parametrize("key", ["no-such-key", "a\x00b", "\ud800"])
def test_text_key_that_no_row_has_is_not_found(key: str) -> None:
    with pytest.raises(RecordNotFoundError):
        get_record(GridAccess(TextKeyGrid, ADMIN), key)


def test_missing_row_and_row_outside_the_row_permission_answer_alike() -> None:
    sent = order(state=Order.State.SENT)
    access = GridAccess(OrderEditGrid, ADMIN)
    with pytest.raises(RecordNotFoundError) as closed:
        get_record(access, sent.pk)
    with pytest.raises(RecordNotFoundError) as missing:
        get_record(access, sent.pk + 1)
    assert closed.value.detail == missing.value.detail
    assert closed.value.extra == missing.value.extra == {}
