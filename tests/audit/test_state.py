"""A row as it was: from its records, and saying what they can't tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gridkit_django.audit.state import RowState, state_at, state_of
from gridkit_django.exceptions import AuditError
from gridkit_django.models import AuditOperation, AuditRecord
from tests.shop.models import Product

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def made(minute: int, action: str, changes: dict[str, Any]) -> AuditRecord:
    return AuditRecord(action=f"row.{action}", changes=changes, occurred_at=START + timedelta(minutes=minute))


def at(records: list[AuditRecord], minute: float, today: dict[str, Any] | None = None) -> RowState:
    return state_of(records, START + timedelta(minutes=minute), today)


LIFE = [
    made(1, "create", {"name": [None, "a"], "stock": [None, 1]}),
    made(2, "update", {"stock": [1, 2]}),
    made(3, "update", {"name": ["a", "b"]}),
    made(4, "delete", {"name": ["b", None], "stock": [2, None]}),
]


@pytest.mark.parametrize(
    ("minute", "values"),
    [(1, {"name": "a", "stock": 1}), (2.5, {"name": "a", "stock": 2}), (3, {"name": "b", "stock": 2})],
)
def test_row_is_followed_from_its_creation_on(minute: float, values: dict[str, Any]) -> None:
    state = at(LIFE, minute)
    assert (state.exists, state.values, state.certain, state.why) == (True, values, True, "")
    assert state.record is not None


@pytest.mark.parametrize("minute", [0, 4, 9])
def test_row_is_not_there_before_its_creation_and_after_its_deletion(minute: float) -> None:
    state = at(LIFE, minute)
    assert (state.exists, state.certain, state.values) == (False, True, {})


def test_row_that_came_back_is_followed_from_its_second_creation() -> None:
    again = [*LIFE, made(5, "create", {"name": [None, "c"], "stock": [None, 9]})]
    assert at(again, 6).values == {"name": "c", "stock": 9}


def test_nothing_is_known_before_the_records_begin() -> None:
    state = at(LIFE[1:3], 1, {"name": "b", "stock": 2})
    assert (state.exists, state.certain) == (None, False)
    assert "2026-01-01T12:02" in state.why
    assert at([], 1).exists is None


def test_without_a_creation_what_was_recorded_since_is_taken_back_from_today() -> None:
    today = {"name": "b", "stock": 2, "sku": "x"}
    state = at(LIFE[1:3], 2.5, today)
    assert state.values == {"name": "a", "stock": 2, "sku": "x"}
    assert not state.certain
    assert "creation" in state.why


def test_without_a_creation_a_recorded_deletion_holds_the_whole_row() -> None:
    state = at(LIFE[1:], 2.5)
    assert (state.values, state.certain) == ({"name": "a", "stock": 2}, True)


def test_row_that_went_unrecorded_is_known_by_its_changes_only() -> None:
    state = at(LIFE[1:3], 3.5)
    assert (state.values, state.certain) == ({"name": "b", "stock": 2}, False)
    assert "gone" in state.why


def test_values_that_were_masked_or_encrypted_are_not_known() -> None:
    state = at([made(1, "create", {"a": [None, "***"], "b": [None, {"$enc": "k:x"}], "c": [None, 1]})], 2)
    assert (state.values, state.unknown, state.certain) == ({"c": 1}, {"a", "b"}, False)


def test_key_and_not_the_clock_tells_what_came_after_what() -> None:
    back = [LIFE[0], made(5, "update", {"stock": [1, 2]}), made(3, "update", {"stock": [2, 3]})]
    assert at(back, 5).values["stock"] == 3


@pytest.mark.django_db
@pytest.mark.both_databases
def test_state_of_a_stored_row_has_values_as_records_have_them() -> None:
    product = Product.objects.create(sku="S", name="now", price=Decimal("2.5"))
    operation = AuditOperation.objects.create(source="orm")
    for minute, pair in ((1, ["a", "b"]), (3, ["b", "now"])):
        AuditRecord.objects.create(
            operation=operation,
            action="row.update",
            actor_kind="system",
            target_type="shop.product",
            target_id=str(product.pk),
            changes={"name": pair},
            occurred_at=START + timedelta(minutes=minute),
        )
    state = state_at(Product, product.pk, START + timedelta(minutes=2))
    assert (state.values["name"], state.values["price"], state.values["stock"]) == ("b", "2.50", 0)
    key = product.pk
    product.delete()
    assert state_at(Product, key, START + timedelta(minutes=2)).values == {"name": "b"}
    with pytest.raises(AuditError, match="time zone"):
        state_at(Product, 1, datetime(2026, 1, 1))  # noqa: DTZ001 - a naive moment is what is refused
