"""Rows that are deleted, and what they take along."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from gridkit_django.events import Moment
from gridkit_django.exceptions import (
    AccessDeniedError,
    DeleteCascadesError,
    DeleteProtectedError,
    EventRejected,
    RecordNotFoundError,
    VersionConflictError,
    VersionRequiredError,
)
from gridkit_django.grids import Grid, GridAccess
from gridkit_django.grids.deletion import DeleteResult, delete_row
from gridkit_django.grids.records import get_record
from tests.grids.edits import (
    ADMIN,
    CustomerEditGrid,
    OrderEditGrid,
    ProductEditGrid,
    edit,
    hearing,
    order,
    product,
    receiving,
)
from tests.grids.shop import ProductGrid
from tests.shop.models import Customer, Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def delete(grid: type[Grid], pk: Any, *, user: Any = ADMIN, **options: Any) -> DeleteResult:
    access = GridAccess(grid, user)
    return delete_row(access, pk, get_record(access, pk).version, **options)


def clerk(*rights: str) -> User:
    user = User.objects.create_user("bob")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


def test_row_is_deleted_and_told_of() -> None:
    row = product()
    before = get_record(GridAccess(ProductEditGrid, ADMIN), row.pk)
    with hearing() as heard:
        assert delete(ProductEditGrid, row.pk) == DeleteResult(row.pk, None)
    assert not Product.objects.exists()
    assert heard.told() == [("row:delete", "before"), ("row:delete", "after")]
    assert heard.payload("row:delete", "after") == {"rowId": str(row.pk), "values": before.data}


def test_veto_keeps_the_row() -> None:
    def veto(**_kwargs: Any) -> None:
        raise EventRejected("Not today.")

    row = product()
    with receiving("row:delete", Moment.BEFORE, veto), pytest.raises(EventRejected):
        delete(ProductEditGrid, row.pk)
    assert Product.objects.exists()


def test_row_that_has_moved_on_is_kept_whatever_has_changed() -> None:
    row = product()
    access = GridAccess(ProductEditGrid, ADMIN)
    version = get_record(access, row.pk).version
    edit(ProductEditGrid, row, stock=9)
    with pytest.raises(VersionConflictError) as caught:
        delete_row(access, row.pk, version)
    assert caught.value.extra["current"] == get_record(access, row.pk).to_dict()
    with pytest.raises(VersionRequiredError):
        delete_row(access, row.pk, "")


@pytest.mark.parametrize("key", ["0", "x", None, 2**70])
def test_missing_row_is_not_found(key: Any) -> None:
    with pytest.raises(RecordNotFoundError):
        delete_row(GridAccess(ProductEditGrid, ADMIN), key, "v")


def test_row_out_of_sight_is_not_found() -> None:
    sent = order(state=Order.State.SENT)
    with pytest.raises(RecordNotFoundError):
        delete_row(GridAccess(OrderEditGrid, ADMIN), sent.pk, "v")
    assert Order.objects.exists()


@pytest.mark.parametrize("rights", [[], ["edit_grid"], ["delete_product"], ["edit_grid", "add_product"]])
def test_deletion_takes_both_rights(rights: list[str]) -> None:
    row = product()
    with pytest.raises(AccessDeniedError):
        delete(ProductEditGrid, row.pk, user=clerk(*rights))


def test_grid_that_lets_nothing_go_lets_nobody_delete() -> None:
    row = product()
    with pytest.raises(AccessDeniedError):
        delete(ProductGrid, row.pk)


def test_row_that_others_need_is_kept_in_words() -> None:
    row = order()
    with pytest.raises(DeleteProtectedError, match="because orders depend on it"):
        delete(ProductEditGrid, row.product_id)
    with pytest.raises(DeleteProtectedError, match="because other rows depend on it"):
        delete(ProductEditGrid, row.product_id, user=clerk("edit_grid", "delete_product"))
    assert Product.objects.exists()


def test_rows_that_would_go_along_are_counted_before_they_go() -> None:
    row = order()
    with pytest.raises(DeleteCascadesError, match=r"1 other rows \(orders\)") as caught:
        delete(CustomerEditGrid, row.customer_id)
    assert caught.value.extra == {"cascades": [{"label": "Orders", "count": 1}]}
    assert Customer.objects.exists()
    delete(CustomerEditGrid, row.customer_id, cascade=True)
    assert not Order.objects.exists()


def test_rows_that_the_user_may_not_delete_do_not_go_along() -> None:
    row = order()
    user = clerk("edit_grid", "delete_customer")
    with pytest.raises(DeleteProtectedError, match="that you may not delete") as caught:
        delete(CustomerEditGrid, row.customer_id, user=user, cascade=True)
    assert "order" not in caught.value.detail.lower()
    assert Order.objects.exists()
