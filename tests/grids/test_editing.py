"""The one way in which an edit reaches a row."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection, transaction

from gridkit_django.events import Actor, EventSource, Moment, acting
from gridkit_django.exceptions import (
    AccessDeniedError,
    ColumnNotEditableError,
    EditInvalidError,
    EventRejected,
    RecordNotFoundError,
    UnknownColumnError,
    VersionConflictError,
    VersionRequiredError,
)
from gridkit_django.grids import Grid, GridAccess
from gridkit_django.grids.editing import apply_edit
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.records import get_record
from tests.grids.edits import ADMIN, OrderEditGrid, ProductEditGrid, edit, hearing, order, product, receiving
from tests.shop.models import Customer, Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def access_of(user: Any = ADMIN, grid: type[Grid] = ProductEditGrid) -> GridAccess:
    return GridAccess(grid, user)


def test_edit_saves_and_answers_the_row_as_it_is_now() -> None:
    row = product()
    before = get_record(access_of(), row.pk)
    result = edit(ProductEditGrid, row, name="Saw", stock=7)
    row.refresh_from_db()
    assert (row.name, row.stock, row.sku) == ("Saw", 7, "A-1")
    assert result.row == get_record(access_of(), row.pk)
    assert (result.row.data["name"], result.row.data["stock"]) == ("Saw", 7)
    assert result.row.version != before.version
    assert result.changed == ("name", "stock")
    assert result.matches_filter is None


def test_next_edit_goes_on_from_the_answered_version() -> None:
    row = product()
    first = edit(ProductEditGrid, row, stock=4)
    second = apply_edit(access_of(), row.pk, {"stock": 5}, first.row.version)
    assert second.row.data["stock"] == 5


@pytest.mark.parametrize(
    ("column", "raw", "stored", "wire"),
    [
        ("sku", " B ", " B ", " B "),
        ("category", "toy", "toy", "toy"),
        ("price", "12.3", Decimal("12.30"), "12.30"),
        ("price", 12, Decimal("12.00"), "12.00"),
        ("stock", -5, -5, -5),
        ("active", False, False, False),
        ("attributes", {"a": [1, None, {"b": True}]}, {"a": [1, None, {"b": True}]}, {"a": [1, None, {"b": True}]}),
        ("attributes", [], [], []),
        ("description", "", "", ""),
        ("description", "näher", "näher", "näher"),
        ("rating", 1.5, 1.5, 1.5),
        ("released", "2013-02-03", date(2013, 2, 3), "2013-02-03"),
        ("opens", "08:30", time(8, 30), "08:30:00"),
        ("discount", "5", Decimal("5.00"), "5.00"),
        (
            "restocked",
            "2013-02-03T12:00:00Z",
            datetime(2013, 2, 3, 12, tzinfo=UTC),
            "2013-02-03T07:00:00-05:00",
        ),
        ("restocked", "2013-02-03T12:00", datetime(2013, 2, 3, 17, tzinfo=UTC), "2013-02-03T12:00:00-05:00"),
        ("restocked", "2013-02-03", datetime(2013, 2, 3, 5, tzinfo=UTC), "2013-02-03T00:00:00-05:00"),
    ],
)
def test_value_of_each_type_is_stored_and_answered(column: str, raw: Any, stored: Any, wire: Any) -> None:
    row = product()
    result = edit(ProductEditGrid, row, **{column: raw})
    row.refresh_from_db()
    assert getattr(row, column) == stored
    assert result.row.data[column] == wire
    assert result.changed == (column,)


@pytest.mark.parametrize("column", ["description", "rating", "released", "restocked", "opens", "discount"])
def test_null_clears_a_column_that_may_have_no_value(column: str) -> None:
    row = product(
        description="x",
        rating=1.0,
        released=date(2013, 1, 1),
        restocked=datetime(2013, 1, 1, tzinfo=UTC),
        opens=time(8),
        discount=Decimal(1),
    )
    assert edit(ProductEditGrid, row, **{column: None}).row.data[column] is None
    row.refresh_from_db()
    assert getattr(row, column) is None


def test_null_clears_a_text_that_may_be_blank_but_not_null() -> None:
    row = order(note="call first")
    assert edit(OrderEditGrid, row, note=None).row.data["note"] == ""


@pytest.mark.parametrize(
    ("column", "raw", "part"),
    [
        ("name", None, "needs a value"),
        ("name", "", "blank"),
        ("name", 5, "expected a string"),
        ("name", "a\x00b", "without NUL"),
        ("name", "x" * 81, "80"),
        ("category", "car", "one of the values"),
        ("category", "", "one of the values"),
        ("price", "1.999", "2 decimal places"),
        ("price", "-1", "greater than or equal to 0"),
        ("price", "123456789.00", "10 digits"),
        ("price", "NaN", "expected a number"),
        ("price", "", "expected a number"),
        ("stock", "many", "whole number"),
        ("stock", 1.5, "whole number"),
        ("active", 1, "true or false"),
        ("active", None, "needs a value"),
        ("attributes", None, "needs a value"),
        ("attributes", {"a": "\x00"}, "without NUL"),
        ("attributes", {"a": float("nan")}, "NaN"),
        ("rating", "inf", "finite"),
        ("released", "2013-02-30", "YYYY-MM-DD"),
        ("opens", "25:00", "HH:MM:SS"),
        ("restocked", "yesterday", "ISO 8601"),
    ],
)
def test_value_that_does_not_fit_is_refused_where_it_stands(column: str, raw: Any, part: str) -> None:
    row = product()
    with pytest.raises(EditInvalidError) as caught:
        edit(ProductEditGrid, row, **{column: raw, "stock": raw if column == "stock" else 99})
    (item,) = caught.value.errors
    assert (item.pointer, item.code) == (f"/changes/{column}", "edit-invalid")
    assert part in item.detail
    assert Product.objects.get().stock == 3


def test_number_beyond_the_databases_range_is_refused() -> None:
    _least, most = connection.ops.integer_field_range("IntegerField")
    row = product()
    with pytest.raises(EditInvalidError) as caught:
        edit(ProductEditGrid, row, stock=most + 1)
    assert [item.pointer for item in caught.value.errors] == ["/changes/stock"]
    assert edit(ProductEditGrid, row, stock=most).row.data["stock"] == most


def test_document_deeper_than_the_limit_is_refused() -> None:
    deep: Any = "leaf"
    for _ in range(100):
        deep = [deep]
    with pytest.raises(EditInvalidError, match="do not fit"):
        edit(ProductEditGrid, product(), attributes=deep)


def test_all_values_that_do_not_fit_are_told_at_once() -> None:
    with pytest.raises(EditInvalidError) as caught:
        edit(ProductEditGrid, product(), stock="x", active="x", name="Saw")
    assert [item.pointer for item in caught.value.errors] == ["/changes/stock", "/changes/active"]
    with pytest.raises(EditInvalidError) as caught:
        edit(ProductEditGrid, Product.objects.get(), name="x" * 81, price="1.999")
    assert sorted(item.pointer for item in caught.value.errors) == ["/changes/name", "/changes/price"]


@pytest.mark.parametrize("raw", [None, [], "x"])
def test_changes_that_are_no_object_are_refused(raw: Any) -> None:
    with pytest.raises(EditInvalidError) as caught:
        apply_edit(access_of(), product().pk, raw, "v")
    assert caught.value.errors[0].pointer == "/changes"


@pytest.mark.parametrize("name", ["nosuch", "id", "pk", "token__x", "a/b~c", "orders"])
def test_unknown_column_is_refused_with_an_escaped_pointer(name: str) -> None:
    with pytest.raises(UnknownColumnError) as caught:
        edit(ProductEditGrid, product(), **{name: 1})
    assert caught.value.errors[0].pointer == f"/changes/{name.replace('~', '~0').replace('/', '~1')}"


def editor() -> User:
    user = User.objects.create_user("bob")
    user.user_permissions.add(Permission.objects.get(codename="edit_grid"))
    return user


def test_hidden_column_answers_like_an_unknown_one() -> None:
    row, user = product(), editor()
    with pytest.raises(UnknownColumnError) as hidden:
        edit(ProductEditGrid, row, user=user, price="1.00")
    with pytest.raises(UnknownColumnError) as unknown:
        edit(ProductEditGrid, row, user=user, prise="1.00")
    assert hidden.value.detail.replace("price", "prise") == unknown.value.detail
    assert Product.objects.get().price == Decimal("9.90")


@pytest.mark.parametrize("column", ["token", "updated"])
def test_visible_column_that_is_not_editable_says_so(column: str) -> None:
    with pytest.raises(ColumnNotEditableError, match=f"{column!r} can't be edited") as caught:
        edit(ProductEditGrid, product(), **{column: "x"})
    assert caught.value.errors[0].pointer == f"/changes/{column}"


def test_label_behind_a_foreign_key_is_not_editable() -> None:
    with pytest.raises(ColumnNotEditableError):
        edit(OrderEditGrid, order(), customer_name="Bob")
    assert Customer.objects.get().name == "Ann"


def test_two_columns_of_one_field_are_refused_together() -> None:
    row = order(note="old")
    with pytest.raises(EditInvalidError, match="show the same value") as caught:
        edit(OrderEditGrid, row, note="a", remark="b")
    assert caught.value.errors[0].pointer == "/changes/remark"
    assert set(edit(OrderEditGrid, row, remark="b").changed) == {"note", "remark"}


def test_user_without_the_right_to_edit_is_refused_and_one_with_it_is_not() -> None:
    row = product()
    with pytest.raises(AccessDeniedError):
        edit(ProductEditGrid, row, user=User.objects.create_user("eve"), stock=9)
    assert edit(ProductEditGrid, row, user=editor(), stock=9).changed == ("stock",)


def test_edit_without_a_version_is_refused() -> None:
    with pytest.raises(VersionRequiredError):
        apply_edit(access_of(), product().pk, {"stock": 9}, "")


def test_stale_version_gets_the_current_row_and_the_wish_back() -> None:
    row = product()
    stale = get_record(access_of(), row.pk).version
    edit(ProductEditGrid, row, stock=4)
    with hearing() as heard, pytest.raises(VersionConflictError) as caught:
        apply_edit(access_of(), row.pk, {"name": "Saw"}, stale)
    current = get_record(access_of(), row.pk)
    assert caught.value.extra == {"current": current.to_dict(), "yours": {"name": "Saw"}}
    assert (current.data["stock"], current.data["name"]) == (4, "Hammer")
    assert heard == []


def test_version_of_a_user_who_sees_less_is_no_version_for_another() -> None:
    row = product()
    blind = get_record(access_of(editor()), row.pk).version
    with pytest.raises(VersionConflictError):
        apply_edit(access_of(), row.pk, {"stock": 9}, blind)


def test_change_of_a_hidden_column_is_no_conflict() -> None:
    row, user = product(), editor()
    version = get_record(access_of(user), row.pk).version
    Product.objects.filter(pk=row.pk).update(price=Decimal("1.00"))
    assert apply_edit(access_of(user), row.pk, {"stock": 9}, version).changed == ("stock",)
    assert Product.objects.get().price == Decimal("1.00")


@pytest.mark.parametrize("key", ["0", "x", None])
def test_missing_row_is_not_found(key: Any) -> None:
    with pytest.raises(RecordNotFoundError):
        apply_edit(access_of(), key, {"stock": 9}, "v")


def test_row_outside_the_row_permission_is_not_found() -> None:
    sent = order(state=Order.State.SENT)
    with pytest.raises(RecordNotFoundError):
        apply_edit(access_of(grid=OrderEditGrid), sent.pk, {"quantity": 9}, "v")
    assert Order.objects.get().quantity == 1


def test_edit_that_takes_the_row_out_of_sight_is_refused() -> None:
    row = order()
    with pytest.raises(EditInvalidError, match="none that you may see") as caught:
        edit(OrderEditGrid, row, state="sent")
    assert caught.value.errors[0].pointer == "/changes"
    assert Order.objects.get().state == Order.State.NEW


def test_foreign_key_is_edited_by_key_and_the_label_follows() -> None:
    row = order()
    bob = Customer.objects.create(name="Bob", email="bob@example.org")
    result = edit(OrderEditGrid, row, customer=bob.pk, referrer=bob.pk)
    assert result.row.data["customer_name"] == result.row.data["referrer_name"] == "Bob"
    assert result.changed == ("customer", "referrer")
    cleared = edit(OrderEditGrid, row, referrer=None)
    assert (cleared.row.data["referrer"], cleared.row.data["referrer_name"]) == (None, None)


@pytest.mark.parametrize(("column", "key"), [("customer", 999_999), ("referrer", 0), ("customer", None)])
def test_foreign_key_to_no_row_is_refused(column: str, key: int | None) -> None:
    row = order()
    with pytest.raises(EditInvalidError) as caught:
        edit(OrderEditGrid, row, **{column: key})
    assert [item.pointer for item in caught.value.errors] == [f"/changes/{column}"]


class TestNothingChanged:
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"name": "Hammer"},
            {"price": "9.9", "stock": "3"},
            {"attributes": {"a": 1}},
            {"restocked": "2013-01-01T07:00:00-05:00"},
        ],
        ids=str,
    )
    def test_nothing_is_written_and_nothing_is_told(self, changes: dict[str, Any]) -> None:
        row = product(attributes={"a": 1}, restocked=datetime(2013, 1, 1, 12, tzinfo=UTC))
        before = get_record(access_of(), row.pk)
        with hearing() as heard:
            result = edit(ProductEditGrid, row, **changes)
        assert (result.row, result.changed) == (before, ())
        assert heard == []
        assert Product.objects.get().updated == row.updated

    def test_stale_version_is_a_conflict_even_so(self) -> None:
        with pytest.raises(VersionConflictError):
            apply_edit(access_of(), product().pk, {"name": "Hammer"}, "stale")

    def test_one_and_true_are_different_documents(self) -> None:
        row = product(attributes={"a": 1})
        assert edit(ProductEditGrid, row, attributes={"a": True}).changed == ("attributes",)
        assert Product.objects.get().attributes["a"] is True


def test_only_what_changed_is_written_and_the_time_of_change_is_stamped() -> None:
    row = product()
    version = get_record(access_of(), row.pk).version

    def another_writer(**_kwargs: Any) -> None:
        Product.objects.filter(pk=row.pk).update(sku="B-2")

    with receiving("row:update", Moment.BEFORE, another_writer):
        result = apply_edit(access_of(), row.pk, {"stock": 4, "name": "Hammer"}, version)
    assert result.row.data["sku"] == "B-2"
    assert result.changed == ("stock",)
    assert Product.objects.get().updated > row.updated


@pytest.mark.django_db(transaction=True)
class TestEvents:
    def test_moments_come_in_order_and_cells_after_their_row(self) -> None:
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

    def test_payloads_tell_row_columns_values_and_versions(self) -> None:
        row = product()
        before = get_record(access_of(), row.pk)
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

    def test_events_carry_grid_actor_door_and_sender(self) -> None:
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

    def test_edit_rolled_back_by_its_caller_is_never_told_as_committed(self) -> None:
        row = product()
        with hearing() as heard, transaction.atomic():
            edit(ProductEditGrid, row, stock=4)
            transaction.set_rollback(True)
        assert {moment for _, moment in heard.told()} == {"before", "after"}
        assert Product.objects.get().stock == 3

    @pytest.mark.parametrize("name", ["row:update", "cell:edit"])
    def test_veto_leaves_everything_as_it_was(self, name: str) -> None:
        row = product()

        def veto(**_kwargs: Any) -> None:
            raise EventRejected("Not during the audit.")

        with hearing() as heard, receiving(name, Moment.BEFORE, veto), pytest.raises(EventRejected):
            edit(ProductEditGrid, row, stock=4)
        assert {moment for _, moment in heard.told()} == {"before"}
        again = Product.objects.get()
        assert (again.stock, again.updated) == (3, row.updated)

    def test_error_in_after_undoes_the_edit(self) -> None:
        def fail(**_kwargs: Any) -> None:
            raise ZeroDivisionError

        with receiving("cell:edit", Moment.AFTER, fail), pytest.raises(ZeroDivisionError):
            edit(ProductEditGrid, product(), stock=4)
        assert Product.objects.get().stock == 3

    def test_invalid_edit_is_not_told_at_all(self) -> None:
        with hearing() as heard, pytest.raises(EditInvalidError):
            edit(ProductEditGrid, product(), stock=4, name="x" * 81)
        assert heard == []


@pytest.mark.parametrize(("stock", "expected"), [(4, True), (400, False)])
def test_edit_tells_whether_the_row_still_matches_what_the_user_looks_at(stock: int, expected: bool) -> None:
    row = product()
    query = GridQuery.from_dict({"filter": {"col": "stock", "op": "lt", "value": 100}, "search": ""})
    version = get_record(access_of(), row.pk).version
    assert apply_edit(access_of(), row.pk, {"stock": stock}, version, query).matches_filter is expected


def test_unchanged_row_is_held_against_the_query_too() -> None:
    row = product()
    query = GridQuery.from_dict({"filter": {"col": "stock", "op": "gt", "value": 100}})
    version = get_record(access_of(), row.pk).version
    assert apply_edit(access_of(), row.pk, {}, version, query).matches_filter is False


def test_edit_takes_few_queries(django_assert_max_num_queries: Any) -> None:
    row = product()
    access = access_of()
    version = get_record(access, row.pk).version
    # Savepoint, lock (two on SQLite), read, savepoint, save, release, read again, release.
    with django_assert_max_num_queries(9 if connection.vendor == "sqlite" else 8):
        apply_edit(access, row.pk, {"stock": 4}, version)
