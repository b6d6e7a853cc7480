"""Cursors: signed, bound to their question, and holding nothing that the user did not see."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import signing

from gridkit_django.exceptions import CursorError, CursorMismatchError
from tests.grids.shop import ADMIN, CLERK, OrderGrid, ProductGrid, ask, make_orders, make_products, values

pytestmark = pytest.mark.django_db

BASE: dict[str, Any] = {
    "sort": [{"col": "quantity"}],
    "filter": {"col": "quantity", "op": "gte", "value": 0},
    "search": "note",
}


@pytest.fixture(autouse=True)
def orders() -> None:
    make_orders(5)


def next_cursor(**changes: Any) -> str:
    page = ask(OrderGrid, window={"kind": "cursor", "size": 2}, **{**BASE, **changes})
    assert page.window.next
    return page.window.next


def follow(cursor: str, user: Any = ADMIN, key: str = "after", **changes: Any) -> list[Any]:
    page = ask(OrderGrid, user, window={"kind": "cursor", "size": 2, key: cursor}, **{**BASE, **changes})
    return values(page, "quantity") if "quantity" in page.rows[0].data else [row.data for row in page.rows]


def test_cursor_leads_on_whatever_the_size_and_the_columns_are() -> None:
    assert follow(next_cursor()) == [2, 3]
    assert follow(next_cursor(), columns=["quantity"], count="none") == [2, 3]


@pytest.mark.parametrize(
    "changes",
    [
        {"sort": [{"col": "quantity", "dir": "desc"}]},
        {"sort": [{"col": "quantity", "nulls": "first"}]},
        {"sort": [{"col": "quantity"}, {"col": "note"}]},
        {"sort": [{"col": "note"}]},
        {"sort": []},
        {"filter": {"col": "quantity", "op": "gte", "value": 1}},
        {"filter": None},
        {"search": "notes"},
        {"search": ""},
        {"tz": "Asia/Tokyo"},
    ],
)
def test_cursor_of_another_question_is_a_mismatch(changes: dict[str, Any]) -> None:
    with pytest.raises(CursorMismatchError) as refusal:
        follow(next_cursor(), **changes)
    assert refusal.value.errors[0].pointer == "/window/after"


def test_cursor_of_another_set_of_columns_is_a_mismatch() -> None:
    with pytest.raises(CursorMismatchError):
        follow(next_cursor(), CLERK)


def test_cursor_of_another_grid_is_a_mismatch() -> None:
    make_products([{}, {}, {}])
    other = ask(ProductGrid, sort=[], window={"kind": "cursor", "size": 1}).window.next
    assert other
    with pytest.raises(CursorMismatchError):
        follow(other)


@pytest.mark.parametrize(
    "forge", [lambda text: text[:-1], lambda text: "x" + text, lambda text: "nonsense", lambda text: ""]
)
def test_text_that_this_site_did_not_sign_is_no_cursor(forge: Any) -> None:
    with pytest.raises(CursorError) as refusal:
        follow(forge(next_cursor()))
    assert type(refusal.value) is CursorError


def test_signed_text_for_another_purpose_is_no_cursor() -> None:
    with pytest.raises(CursorError):
        follow(signing.dumps({"k": [1, 1], "d": "after", "h": ""}, salt="else"))


def test_cursor_that_leads_on_can_not_lead_back() -> None:
    with pytest.raises(CursorError, match="send it as 'after'"):
        follow(next_cursor(), key="before")


def test_cursor_holds_the_sort_keys_and_nothing_else_of_the_row() -> None:
    held = signing.loads(next_cursor(), salt="gridkit_django.grids.cursors")
    assert set(held) == {"k", "d", "h"}
    quantity, pk = held["k"]
    assert (quantity, type(pk)) == (1, int)
