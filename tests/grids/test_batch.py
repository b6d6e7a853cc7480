"""Batches."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import override_settings

from gridkit_django.events import Moment
from gridkit_django.exceptions import AccessDeniedError, EventRejected, QueryError, QueryLimitError
from gridkit_django.grids import GridAccess
from gridkit_django.grids.batch import BatchItem, BatchResult, apply_batch
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.records import get_record
from gridkit_django.grids.undo import undo_change
from tests.grids.edits import CustomerEditGrid, ProductEditGrid, hearing, order, product, receiving
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

NEW = BatchItem("create", values={"sku": "N-1", "name": "New", "price": "1"}, temp_id="t1")


@pytest.fixture
def access() -> GridAccess:
    return GridAccess(ProductEditGrid, User.objects.create_superuser("ada"))


def version(access: GridAccess, row: Any) -> str:
    return get_record(access, row.pk).version


def codes(result: BatchResult) -> list[str | None]:
    return [None if verdict.error is None else verdict.error.code for verdict in result.verdicts]


def three(access: GridAccess) -> list[BatchItem]:
    first, second = product(sku="A"), product(sku="B")
    return [
        NEW,
        BatchItem("update", first.pk, version(access, first), {"stock": 7}),
        BatchItem("delete", str(second.pk), version(access, second)),
    ]


@pytest.mark.parametrize("atomic", [True, False])
def test_batch_creates_changes_and_deletes_in_order(access: GridAccess, atomic: bool) -> None:
    with hearing() as heard:
        result = apply_batch(access, three(access), atomic=atomic, query=GridQuery())
    assert (result.applied, codes(result)) == (True, [None, None, None])
    assert dict(Product.objects.values_list("sku", "stock")) == {"N-1": 0, "A": 7}
    assert [name for name, moment in heard.told() if moment == "after"] == [
        "row:create",
        "row:update",
        "cell:edit",
        "row:delete",
    ]
    made, changed, gone = result.verdicts
    assert made.item.temp_id == "t1"
    assert made.outcome is not None
    assert made.outcome.row is not None
    assert (made.place.matches, changed.place.moved, gone.place.matches) == (True, False, None)


def test_atomic_batch_judges_everything_and_saves_nothing(access: GridAccess) -> None:
    items = [*three(access), BatchItem("update", 0, "v", {"stock": 1}), BatchItem("create", values={"sku": "x" * 30})]
    result = apply_batch(access, items, undoable=True)
    assert (result.applied, result.undo) == (False, None)
    assert codes(result) == [None, None, None, "record-not-found", "edit-invalid"]
    assert all(verdict.outcome is None for verdict in result.verdicts)
    assert sorted(Product.objects.values_list("sku", "stock")) == [("A", 3), ("B", 3)]
    error = result.verdicts[4].error
    assert error is not None
    assert "/items/4/values/sku" in {item.pointer for item in error.errors}


def test_loose_batch_saves_what_it_can(access: GridAccess) -> None:
    row = product(sku="A")
    items = [
        BatchItem("update", row.pk, version(access, row), {"stock": "x"}),
        BatchItem("update", row.pk, "", {"stock": 1}),
        BatchItem("update", row.pk, "stale", {"stock": 1}),
        BatchItem("update", 2**70, "v", {"stock": 1}),
        BatchItem("delete", row.pk, ""),
        BatchItem("update", row.pk, version(access, row), {"stock": 2}),
        NEW,
        NEW,
    ]
    result = apply_batch(access, items, atomic=False)
    assert codes(result) == [
        "edit-invalid",
        "version-required",
        "version-conflict",
        "record-not-found",
        "version-required",
        None,
        None,
        "edit-invalid",
    ]
    assert sorted(Product.objects.values_list("sku", "stock")) == [("A", 2), ("N-1", 0)]


def test_two_changes_of_one_row_from_one_version_keep_to_their_columns(access: GridAccess) -> None:
    row = product()
    seen = version(access, row)
    items = [BatchItem("update", row.pk, seen, {"stock": 1}), BatchItem("update", row.pk, seen, {"name": "Saw"})]
    assert apply_batch(access, items).applied
    assert not apply_batch(access, items).applied


def test_veto_refuses_its_item_only(access: GridAccess) -> None:
    def veto(event: Any, **_kwargs: Any) -> None:
        if event.payload["values"]["sku"] == "N-1":
            raise EventRejected("Not this one.")

    items = [NEW, BatchItem("create", values={"sku": "N-2", "name": "New", "price": "1"})]
    with receiving("row:create", Moment.BEFORE, veto):
        result = apply_batch(access, items, atomic=False)
    assert codes(result) == ["event-rejected", None]


def test_batch_is_undone_whole(access: GridAccess) -> None:
    result = apply_batch(access, three(access), undoable=True)
    assert result.undo
    undone = undo_change(access, result.undo)
    assert [outcome.op for outcome in undone.outcomes] == ["create", "update", "delete"]
    assert sorted(Product.objects.values_list("sku", "stock")) == [("A", 3), ("B", 3)]


def test_batch_of_which_a_part_could_not_be_undone_has_no_undo() -> None:
    access = GridAccess(CustomerEditGrid, User.objects.create_superuser("ada"))
    row = order()
    items = [
        BatchItem("create", values={"name": "Bob", "email": "b@x.org"}),
        BatchItem("delete", row.customer_id, version(access, row.customer), cascade=True),
    ]
    result = apply_batch(access, items, undoable=True)
    assert (result.applied, result.undo) == (True, None)


def test_batch_takes_the_right_to_each_kind_of_change() -> None:
    user = User.objects.create_user("bob")
    user.user_permissions.set(Permission.objects.filter(codename="edit_grid"))
    access = GridAccess(ProductEditGrid, user)
    with pytest.raises(AccessDeniedError):
        apply_batch(access, [NEW])
    with pytest.raises(AccessDeniedError):
        apply_batch(access, [BatchItem("delete", 1, "v")])


def test_batch_is_limited(access: GridAccess) -> None:
    with override_settings(GRIDKIT={"BATCH_MAX": 1}), pytest.raises(QueryLimitError) as caught:
        apply_batch(access, [NEW, NEW])
    assert caught.value.errors[0].pointer == "/items"


def test_query_that_can_not_be_answered_refuses_the_batch(access: GridAccess) -> None:
    query = GridQuery.from_dict({"filter": {"col": "nosuch", "op": "blank"}})
    with pytest.raises(QueryError):
        apply_batch(access, [NEW], query=query)
    assert not Product.objects.exists()
