"""What an edit tells, when, and what a veto does."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from gridkit_django.events import Actor, EventSource, Moment, acting
from gridkit_django.exceptions import EditInvalidError, EventRejected
from gridkit_django.grids import GridAccess
from gridkit_django.grids.records import get_record
from tests.grids.edits import ADMIN, ProductEditGrid, edit, hearing, product, receiving
from tests.shop.models import Product

# Committed moments need real commits.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def test_moments_come_in_order_and_cells_after_their_row() -> None:
    with hearing() as heard:
        edit(ProductEditGrid, product(), stock=4, name="Saw")
    assert heard.told() == [
        ("row:update", "before"),
        ("cell:edit", "before"),
        ("cell:edit", "before"),
        ("row:update", "after"),
        ("cell:edit", "after"),
        ("cell:edit", "after"),
        ("row:update", "committed"),
        ("cell:edit", "committed"),
        ("cell:edit", "committed"),
    ]


def test_payloads_tell_row_columns_values_and_versions() -> None:
    row = product()
    before = get_record(GridAccess(ProductEditGrid, ADMIN), row.pk)
    with hearing() as heard:
        result = edit(ProductEditGrid, row, price="1.5")
    changes = {"price": ["9.90", "1.50"]}
    told = {"rowId": str(row.pk), "versionBefore": before.version}
    assert heard.payload("row:update", "before") == {**told, "changes": {"price": ["9.90", "1.5"]}}
    for moment in ("after", "committed"):
        assert heard.payload("row:update", moment) == {**told, "changes": changes, "version": result.row.version}
        assert heard.payload("cell:edit", moment) == {
            "rowId": str(row.pk),
            "column": "price",
            "old": "9.90",
            "new": "1.50",
        }


def test_events_carry_grid_actor_door_and_sender() -> None:
    senders = []

    def note(sender: Any, **_kwargs: Any) -> None:
        senders.append(sender)

    with (
        hearing() as heard,
        receiving("row:update", Moment.AFTER, note),
        acting(Actor.from_user(ADMIN), EventSource.API, correlation_id="c"),
    ):
        edit(ProductEditGrid, product(), stock=4)
    events = [event for _, _, event in heard]
    assert {(event.grid, event.actor.label, event.source.value, event.correlation_id) for event in events} == {
        ("edit-products", "ada", "api", "c")
    }
    assert senders == [ProductEditGrid]


def test_edit_rolled_back_by_its_caller_is_never_told_as_committed() -> None:
    row = product()
    with hearing() as heard, transaction.atomic():
        edit(ProductEditGrid, row, stock=4)
        transaction.set_rollback(True)
    assert {moment for _, moment in heard.told()} == {"before", "after"}
    assert Product.objects.get().stock == 3


@pytest.mark.parametrize("name", ["row:update", "cell:edit"])
def test_veto_leaves_everything_as_it_was(name: str) -> None:
    row = product()

    def veto(**_kwargs: Any) -> None:
        raise EventRejected("Not during the audit.")

    with hearing() as heard, receiving(name, Moment.BEFORE, veto), pytest.raises(EventRejected):
        edit(ProductEditGrid, row, stock=4)
    assert {moment for _, moment in heard.told()} == {"before"}
    again = Product.objects.get()
    assert (again.stock, again.updated) == (3, row.updated)


def test_error_in_after_undoes_the_edit() -> None:
    def fail(**_kwargs: Any) -> None:
        raise ZeroDivisionError

    with receiving("cell:edit", Moment.AFTER, fail), pytest.raises(ZeroDivisionError):
        edit(ProductEditGrid, product(), stock=4)
    assert Product.objects.get().stock == 3


def test_invalid_edit_is_not_told_at_all() -> None:
    with hearing() as heard, pytest.raises(EditInvalidError):
        edit(ProductEditGrid, product(), stock=4, name="x" * 81)
    assert heard == []
