"""One change of many rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from gridkit_django.events import Moment
from gridkit_django.exceptions import (
    AccessDeniedError,
    BulkDriftError,
    ColumnNotEditableError,
    DeleteCascadesError,
    DeleteProtectedError,
    EditInvalidError,
    EventRejected,
    QueryError,
    QueryLimitError,
    UnknownColumnError,
)
from gridkit_django.grids import GridAccess, bulk
from gridkit_django.grids.bulk import BulkChange, BulkResult, carry_out_bulk, check_bulk
from gridkit_django.grids.selection import Selection
from gridkit_django.grids.undo import undo_change
from tests.grids.edits import CustomerEditGrid, OrderEditGrid, ProductEditGrid, hearing, order, product, receiving
from tests.shop.models import Customer, Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

CHEAP = {"query": {"filter": {"col": "stock", "op": "lt", "value": 5}}}
ALL = {"query": {}}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 3)


@pytest.fixture
def access() -> GridAccess:
    return GridAccess(ProductEditGrid, User.objects.create_superuser("ada"))


@pytest.fixture
def shelf() -> list[Product]:
    """Ten products; the stock of each is its number."""
    return [product(sku=f"S{number}", stock=number) for number in range(10)]


def change(selection: dict[str, Any], expected: int, **changes: Any) -> BulkChange:
    return BulkChange("update", Selection.from_dict(selection), expected, changes)


def removal(selection: dict[str, Any], expected: int, *, cascade: bool = False) -> BulkChange:
    return BulkChange("delete", Selection.from_dict(selection), expected, {}, cascade)


def run(access: GridAccess, wanted: BulkChange) -> BulkResult:
    check_bulk(access, wanted)
    return carry_out_bulk(access, wanted)


def stocks() -> list[int]:
    return list(Product.objects.order_by("sku").values_list("stock", flat=True))


@pytest.mark.usefixtures("shelf")
def test_all_matching_rows_are_changed_and_no_others(access: GridAccess) -> None:
    result = run(access, change(CHEAP, 5, stock=100))
    assert (result.rows, result.changed) == (5, 5)
    assert stocks() == [100] * 5 + [5, 6, 7, 8, 9]


def test_ids_are_added_and_left_out(access: GridAccess, shelf: list[Product]) -> None:
    selection = {**CHEAP, "include": [shelf[9].pk, str(shelf[0].pk), 0, "x"], "exclude": [shelf[1].pk]}
    assert run(access, change(selection, 5, stock=100)).rows == 5
    assert stocks() == [100, 1, 100, 100, 100, 5, 6, 7, 8, 100]


def test_ids_alone_select_no_others(access: GridAccess, shelf: list[Product]) -> None:
    run(access, change({"include": [shelf[2].pk]}, 1, stock=100))
    assert stocks() == [0, 1, 100, 3, 4, 5, 6, 7, 8, 9]
    with pytest.raises(BulkDriftError):
        run(access, change({}, 10, stock=100))


@pytest.mark.usefixtures("shelf")
def test_rows_of_a_group_are_selected_by_its_path(access: GridAccess) -> None:
    Product.objects.filter(stock__gte=8).update(category="toy")
    selection = {"query": {"group": ["category"], "path": ["toy"]}}
    assert run(access, change(selection, 2, stock=100)).rows == 2


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("expected", [0, 4, 6])
def test_other_number_of_rows_than_expected_changes_nothing(access: GridAccess, expected: int) -> None:
    for act in (check_bulk, carry_out_bulk):
        with pytest.raises(BulkDriftError) as caught:
            act(access, change(CHEAP, expected, stock=100))
        assert caught.value.extra["count"] == 5
    assert stocks() == list(range(10))


def test_rows_out_of_sight_are_neither_counted_nor_changed() -> None:
    seen, sent = order(), Order.State.SENT
    Order.objects.create(customer=seen.customer, product=seen.product, placed=seen.placed, state=sent)
    hidden = Order.objects.get(state=sent)
    access = GridAccess(OrderEditGrid, User.objects.create_superuser("ada"))
    with pytest.raises(BulkDriftError) as caught:
        run(access, change({**ALL, "include": [hidden.pk]}, 2, quantity=9))
    assert caught.value.extra["count"] == 1
    run(access, change({**ALL, "include": [hidden.pk]}, 1, quantity=9))
    assert sorted(Order.objects.values_list("state", "quantity")) == [("new", 9), ("sent", 1)]


def test_rows_may_not_leave_sight() -> None:
    row = order()
    access = GridAccess(OrderEditGrid, User.objects.create_superuser("ada"))
    with pytest.raises(EditInvalidError, match="none that you may see") as caught:
        run(access, change(ALL, 1, state="sent"))
    assert caught.value.extra == {"id": row.pk}
    assert Order.objects.get().state == Order.State.NEW


@pytest.mark.usefixtures("shelf")
def test_each_changed_row_is_told_like_a_single_edit(access: GridAccess) -> None:
    with hearing() as heard:
        assert run(access, change(CHEAP, 5, stock=3)).changed == 4
    assert [name for name, moment in heard.told() if moment == "after"] == ["row:update", "cell:edit"] * 4
    olds = [event.payload["old"] for name, moment, event in heard if (name, moment) == ("cell:edit", "after")]
    assert olds == [0, 1, 2, 4]


@pytest.mark.usefixtures("shelf")
def test_veto_of_one_row_keeps_all(access: GridAccess) -> None:
    def veto(event: Any, **_kwargs: Any) -> None:
        if event.payload["changes"]["stock"][0] == 4:
            raise EventRejected("Not this one.")

    with receiving("row:update", Moment.BEFORE, veto), pytest.raises(EventRejected) as caught:
        run(access, change(CHEAP, 5, stock=100))
    assert caught.value.extra == {"id": Product.objects.get(stock=4).pk}
    assert stocks() == list(range(10))


@pytest.mark.usefixtures("shelf")
def test_row_that_the_model_refuses_keeps_all(access: GridAccess) -> None:
    with pytest.raises(EditInvalidError) as caught:
        run(access, change(CHEAP, 5, sku="same"))
    assert "id" in caught.value.extra
    assert not Product.objects.filter(sku="same").exists()
    with pytest.raises(EditInvalidError) as caught:
        check_bulk(access, change(CHEAP, 5, price="x"))
    assert [item.pointer for item in caught.value.errors] == ["/changes/price"]


@pytest.mark.usefixtures("shelf")
def test_selection_that_changes_meanwhile_changes_nothing(access: GridAccess) -> None:
    def another(**_kwargs: Any) -> None:
        if not Product.objects.filter(sku="late").exists():
            product(sku="late", stock=1)

    with receiving("row:update", Moment.AFTER, another), pytest.raises(BulkDriftError):
        run(access, change(CHEAP, 5, stock=100))
    assert stocks() == list(range(10))


@pytest.mark.usefixtures("shelf")
def test_bulk_change_is_undone_whole(access: GridAccess) -> None:
    result = run(access, change(CHEAP, 5, stock=100))
    assert result.undo
    assert len(undo_change(access, result.undo).outcomes) == 5
    assert stocks() == list(range(10))
    removed = run(access, removal(ALL, 10))
    assert removed.undo
    undo_change(access, removed.undo)
    assert stocks() == list(range(10))


@pytest.mark.usefixtures("shelf")
def test_large_change_has_no_undo(access: GridAccess) -> None:
    with override_settings(GRIDKIT={"UNDO_ROWS_MAX": 4}):
        assert run(access, change(CHEAP, 5, stock=100)).undo is None


@pytest.mark.usefixtures("shelf")
def test_all_matching_rows_are_deleted(access: GridAccess) -> None:
    with hearing() as heard:
        assert run(access, removal(CHEAP, 5)).changed == 5
    assert stocks() == [5, 6, 7, 8, 9]
    assert [name for name, moment in heard.told() if moment == "after"] == ["row:delete"] * 5


def test_deletion_asks_before_it_takes_others_along() -> None:
    row = order()
    Customer.objects.create(name="Zoe", email="z@x.org")
    access = GridAccess(CustomerEditGrid, User.objects.create_superuser("ada"))
    with pytest.raises(DeleteCascadesError):
        run(access, removal(ALL, 2))
    with pytest.raises(DeleteProtectedError):
        run(GridAccess(ProductEditGrid, access.user), removal(ALL, 1))
    assert Order.objects.get() == row
    assert run(access, removal(ALL, 2, cascade=True)).undo is None
    assert not Customer.objects.exists()


def test_bulk_change_takes_rights() -> None:
    user = User.objects.create_user("bob")
    access: GridAccess = GridAccess(ProductEditGrid, user)
    for act in (check_bulk, carry_out_bulk):
        with pytest.raises(AccessDeniedError):
            act(access, change(ALL, 0, stock=1))
    user = User.objects.create_user("eve")
    user.user_permissions.set(Permission.objects.filter(codename="edit_grid"))
    with pytest.raises(AccessDeniedError):
        check_bulk(GridAccess(ProductEditGrid, user), removal(ALL, 0))
    with pytest.raises(UnknownColumnError):
        check_bulk(GridAccess(ProductEditGrid, user), change(ALL, 0, price="1"))
    hidden = {"query": {"filter": {"col": "price", "op": "blank"}}}
    with pytest.raises(UnknownColumnError) as caught:
        check_bulk(GridAccess(ProductEditGrid, user), change(hidden, 0, stock=1))
    assert caught.value.errors[0].pointer == "/selection/query/filter/col"


def test_values_must_be_there_and_editable(access: GridAccess) -> None:
    with pytest.raises(EditInvalidError):
        check_bulk(access, change(ALL, 0))
    with pytest.raises(ColumnNotEditableError):
        check_bulk(access, change(ALL, 0, token="x"))


@pytest.mark.usefixtures("shelf")
def test_bulk_change_is_limited(access: GridAccess) -> None:
    with override_settings(GRIDKIT={"BULK_ROWS_MAX": 4}), pytest.raises(QueryLimitError):
        check_bulk(access, change(CHEAP, 5, stock=1))


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ({"query": {"sort": []}}, "/selection/query"),
        ({"query": {"filter": {"col": "x"}}}, "/selection/query/filter"),
        ({"other": 1}, "/selection"),
        ({"include": list(range(1001))}, "/selection/include"),
        ([], "/selection"),
    ],
    ids=lambda item: str(item)[:30],
)
def test_selection_that_is_not_understood_is_refused(raw: Any, pointer: str) -> None:
    with pytest.raises(QueryError) as caught:
        Selection.from_dict(raw)
    assert caught.value.errors[0].pointer == pointer


def test_change_survives_being_written(access: GridAccess) -> None:
    wanted = change({**CHEAP, "include": [1], "exclude": [2]}, 5, stock=1)
    frozen = BulkChange(wanted.action, wanted.selection.frozen(access), 5, wanted.changes)
    again = BulkChange.from_dict(frozen.to_dict())
    assert again.to_dict() == frozen.to_dict()
    assert again.selection.query is not None
    assert again.selection.query.tz == "America/New_York"


def test_number_of_statements_grows_by_the_rows_and_not_by_their_square(access: GridAccess) -> None:
    for number in range(12):
        product(sku=f"S{number}", stock=number)
    counts = []
    for most in (6, 12):
        with CaptureQueriesContext(connection) as queries:
            carry_out_bulk(
                access,
                change({"query": {"filter": {"col": "stock", "op": "lt", "value": most}}}, most, name=f"N{most}"),
            )
        counts.append(len(queries))
    assert counts[1] - counts[0] <= 6 + 2 * 5


@pytest.mark.django_db(transaction=True)
def test_committed_events_wait_in_order_for_the_commit(access: GridAccess, shelf: list[Product]) -> None:
    with hearing() as heard:
        run(access, change(CHEAP, 5, stock=100))
    committed = [event for name, moment, event in heard if moment == "committed"]
    after = [event for name, moment, event in heard if moment == "after"]
    assert [event.as_dict() for event in committed] == [event.as_dict() for event in after]
    assert [moment for _, moment in heard.told()][-10:] == ["committed"] * 10


@pytest.mark.django_db(transaction=True)
def test_refused_change_tells_nothing_as_committed(access: GridAccess, shelf: list[Product]) -> None:
    with hearing() as heard, pytest.raises(BulkDriftError):
        carry_out_bulk(access, change(CHEAP, 4, stock=100))
    assert "committed" not in {moment for _, moment in heard.told()}


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
def test_events_of_a_bulk_change_say_how_many_rows_it_has_and_which_is_the_first(
    access: GridAccess, shelf: list[Product], moment: Moment
) -> None:
    told: list[Any] = []
    with receiving("cell:edit", moment, lambda event, **_kwargs: told.append(event.bulk)):
        carry_out_bulk(access, change(ALL, 10, name="same", stock=50))
    assert [(part.rows, part.columns) for part in told] == [(10, ("name", "stock"))] * 20
    assert [part.is_first for part in told] == [True] + [False] * 19
