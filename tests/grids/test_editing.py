"""The one way in which an edit reaches a row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from gridkit_django.events import Moment
from gridkit_django.exceptions import (
    AccessDeniedError,
    ColumnNotEditableError,
    EditInvalidError,
    RecordNotFoundError,
    UnknownColumnError,
    VersionConflictError,
    VersionRequiredError,
)
from gridkit_django.grids import Grid, GridAccess, TextColumn, grid_registry
from gridkit_django.grids.editing import apply_edit
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.records import get_record
from tests.grids.edits import (
    ADMIN,
    AllOrdersEditGrid,
    CustomerEditGrid,
    OrderEditGrid,
    ProductEditGrid,
    ReferredOrderGrid,
    edit,
    hearing,
    order,
    product,
    receiving,
)
from tests.shop.models import Customer, Order, Product, Specimen

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


def editor(name: str = "bob") -> User:
    user = User.objects.create_user(name)
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


def test_overlapping_edit_gets_the_current_row_and_the_wish_back() -> None:
    row = product()
    stale = get_record(access_of(), row.pk).version
    edit(ProductEditGrid, row, stock=4, name="Saw")
    with hearing() as heard, pytest.raises(VersionConflictError) as caught:
        apply_edit(access_of(), row.pk, {"name": "Axe", "active": False}, stale)
    current = get_record(access_of(), row.pk)
    yours = {"name": "Axe", "active": False}
    assert caught.value.extra == {"current": current.to_dict(), "yours": yours, "columns": ["name"]}
    assert (current.data["stock"], current.data["name"]) == (4, "Saw")
    assert heard == []


def test_edits_of_different_columns_from_one_version_are_both_kept() -> None:
    row = product()
    version = get_record(access_of(), row.pk).version
    first = apply_edit(access_of(), row.pk, {"stock": 4}, version)
    with hearing() as heard:
        second = apply_edit(access_of(), row.pk, {"name": "Saw"}, version)
    assert second.changed == ("name",)
    assert (second.row.data["stock"], second.row.data["name"]) == (4, "Saw")
    assert heard.payload("row:update", "after")["versionBefore"] == first.row.version


def test_change_of_a_column_that_nobody_can_edit_is_no_conflict() -> None:
    row = product()
    version = get_record(access_of(), row.pk).version
    Product.objects.filter(pk=row.pk).update(updated=datetime(2013, 1, 1, tzinfo=UTC))
    assert apply_edit(access_of(), row.pk, {"stock": 4}, version).changed == ("stock",)


def test_two_columns_of_one_field_overlap() -> None:
    row = order()
    access = access_of(grid=OrderEditGrid)
    version = get_record(access, row.pk).version
    apply_edit(access, row.pk, {"note": "a"}, version)
    with pytest.raises(VersionConflictError):
        apply_edit(access, row.pk, {"remark": "b"}, version)


@pytest.mark.parametrize(("changes", "moved"), [({"stock": 4}, True), ({"name": "Saw"}, False), ({}, False)])
def test_edit_tells_whether_the_row_has_moved(changes: dict[str, Any], moved: bool) -> None:
    row = product()
    query = GridQuery.from_dict({"sort": [{"col": "stock"}]})
    version = get_record(access_of(), row.pk).version
    result = apply_edit(access_of(), row.pk, changes, version, query)
    assert (result.moved, result.matches_filter) == (moved, True)


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
def test_edit_that_changes_nothing_writes_and_tells_nothing(changes: dict[str, Any]) -> None:
    row = product(attributes={"a": 1}, restocked=datetime(2013, 1, 1, 12, tzinfo=UTC))
    before = get_record(access_of(), row.pk)
    with hearing() as heard:
        result = edit(ProductEditGrid, row, **changes)
    assert (result.row, result.changed) == (before, ())
    assert heard == []
    assert Product.objects.get().updated == row.updated


def test_stale_version_is_a_conflict_even_when_nothing_would_change() -> None:
    with pytest.raises(VersionConflictError):
        apply_edit(access_of(), product().pk, {"name": "Hammer"}, "stale")


def test_documents_of_one_and_of_true_differ() -> None:
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


def statements(grid: type[Grid], row: Model, **changes: Any) -> list[str]:
    """The kinds of the statements on the table of the row that an edit takes, the lock left out."""
    table, key = row._meta.db_table, row._meta.pk.column
    access = GridAccess(grid, ADMIN)
    version = get_record(access, row.pk).version
    with CaptureQueriesContext(connection) as queries:
        apply_edit(access, row.pk, changes, version)
    found = [query["sql"].split()[0] for query in queries if f'"{table}"."{key}"' in query["sql"]]
    lock = ["UPDATE", "SELECT"] if connection.vendor == "sqlite" else ["SELECT"]
    assert found[: len(lock)] == lock
    return found[len(lock) :]


def test_edit_locks_saves_and_reads_again_and_no_more_where_all_rows_are_seen() -> None:
    assert statements(ProductEditGrid, product(), stock=4) == ["UPDATE", "SELECT"]


def test_edit_reads_before_where_rows_are_out_of_sight_or_a_foreign_key_changes() -> None:
    row = order()
    assert statements(OrderEditGrid, row, note="x") == ["SELECT", "UPDATE", "SELECT"]
    assert statements(AllOrdersEditGrid, row, note="y") == ["UPDATE", "SELECT"]
    bob = Customer.objects.create(name="Bob", email="bob@example.org")
    assert statements(AllOrdersEditGrid, row, customer=bob.pk) == ["SELECT", "UPDATE", "SELECT"]


def test_answers_name_what_stands_behind_foreign_keys_where_all_rows_are_seen() -> None:
    row = order()
    access = GridAccess(AllOrdersEditGrid, ADMIN)
    version = get_record(access, row.pk).version
    assert apply_edit(access, row.pk, {"note": ""}, version).row.data["customer_name"] == "Ann"
    assert edit(AllOrdersEditGrid, row, note="x").row.data["customer_name"] == "Ann"
    with pytest.raises(VersionConflictError) as caught:
        apply_edit(access, row.pk, {"note": "y"}, version)
    assert caught.value.extra["current"]["d"]["customer_name"] == "Ann"


class SpecimenEditGrid(Grid):
    """A file, whose value on an object is no text, beside what can be edited."""

    text = TextColumn(editable=True)

    class Meta:
        model = Specimen
        id = "edit-specimens"
        columns = ["text", "file"]


def test_row_with_a_file_is_compared_as_it_was_read() -> None:
    for name in (None, "", "a.txt"):
        row = Specimen.objects.create(file=name)
        assert statements(SpecimenEditGrid, row, text="x") == ["SELECT", "UPDATE", "SELECT"]


@pytest.mark.parametrize(("name", "moved"), [("Bob", True), ("Ann", False)])
def test_row_sorted_by_a_label_has_moved_when_the_label_differs(name: str, moved: bool) -> None:
    row = order()
    other = Customer.objects.create(name=name, email="other@example.org")
    access = GridAccess(AllOrdersEditGrid, ADMIN)
    query = GridQuery.from_dict({"sort": [{"col": "customer_name"}]})
    first = apply_edit(access, row.pk, {"note": "x"}, get_record(access, row.pk).version, query)
    assert first.moved is False
    assert apply_edit(access, row.pk, {"customer": other.pk}, first.row.version, query).moved is moved


@pytest.fixture
def customer_grid() -> Iterator[None]:
    grid_registry().register(CustomerEditGrid)
    yield
    grid_registry().unregister("edit-customers")


@pytest.mark.usefixtures("customer_grid")
def test_value_that_the_lookup_does_not_offer_is_refused_like_one_that_never_was() -> None:
    row = order()
    bob = Customer.objects.create(name="Bob", email="b@x.org")
    refused = []
    for key in (bob.pk, 999_999):
        with pytest.raises(EditInvalidError) as caught:
            edit(ReferredOrderGrid, row, user=editor(f"bob{key}"), customer=key)
        refused.append(caught.value.errors)
    assert refused[0] == refused[1]
    assert refused[0][0].pointer == "/changes/customer"
    assert edit(ReferredOrderGrid, row, customer=bob.pk).changed == ("customer",)
