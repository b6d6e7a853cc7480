"""Taking changes back."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import override_settings
from django.utils import timezone

from gridkit_django.exceptions import AccessDeniedError, EditInvalidError, UndoError
from gridkit_django.grids import Grid, GridAccess
from gridkit_django.grids.creation import create_row
from gridkit_django.grids.deletion import delete_row
from gridkit_django.grids.editing import EditResult, apply_edit
from gridkit_django.grids.keeping import expire_undos
from gridkit_django.grids.records import get_record
from gridkit_django.grids.undo import undo_change
from gridkit_django.models import EditUndo
from tests.grids.edits import CustomerEditGrid, ProductEditGrid, hearing, order, product
from tests.shop.models import Customer, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada")


def change(user: User, pk: Any, grid: type[Grid] = ProductEditGrid, **changes: Any) -> EditResult:
    access = GridAccess(grid, user)
    return apply_edit(access, pk, changes, get_record(access, pk).version, undoable=True)


def undo(user: User, token: str | None, grid: type[Grid] = ProductEditGrid) -> Any:
    assert token
    return undo_change(GridAccess(grid, user), token)


def values_of(row: Product) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in Product._meta.concrete_fields}


def full_product() -> Product:
    row = product(
        price=Decimal("9.90"),
        attributes={"a": [1, None, "é"]},
        description="x\ny",
        rating=0.1,
        released=datetime(2024, 2, 29, tzinfo=UTC).date(),
        restocked=datetime(2024, 2, 29, 1, 2, 3, 456789, tzinfo=UTC),
        opens=datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC).time(),
        discount=Decimal("1.50"),
    )
    Product.objects.filter(pk=row.pk).update(updated=datetime(2020, 1, 1, 1, 1, 1, 123456, tzinfo=UTC))
    return Product.objects.get(pk=row.pk)


def test_edit_is_taken_back_through_the_same_events(ada: User) -> None:
    row = product()
    result = change(ada, row.pk, stock=9, price="1.5", name="Saw")
    with hearing() as heard:
        undone = undo(ada, result.undo)
    again = Product.objects.get()
    assert (again.stock, again.price, again.name) == (3, Decimal("9.90"), "Hammer")
    assert undone.outcomes[0].row == get_record(GridAccess(ProductEditGrid, ada), row.pk)
    assert heard.payload("row:update", "after")["changes"]["stock"] == [9, 3]


def test_undo_can_be_undone(ada: User) -> None:
    row = product()
    first = undo(ada, change(ada, row.pk, stock=9).undo)
    assert Product.objects.get().stock == 3
    undo(ada, first.undo)
    assert Product.objects.get().stock == 9


def test_undo_works_once(ada: User) -> None:
    token = change(ada, product().pk, stock=9).undo
    undo(ada, token)
    with pytest.raises(UndoError, match="undone already"):
        undo(ada, token)


def test_values_that_were_changed_again_stay_and_the_token_is_kept(ada: User) -> None:
    row = product()
    token = change(ada, row.pk, stock=9).undo
    change(ada, row.pk, stock=10)
    with pytest.raises(UndoError, match="moved on") as caught:
        undo(ada, token)
    assert caught.value.extra == {"failed": [{"id": str(row.pk), "code": "undo-not-possible"}]}
    assert Product.objects.get().stock == 10
    change(ada, row.pk, stock=9)
    undo(ada, token)
    assert Product.objects.get().stock == 3


def test_later_change_of_another_column_is_kept(ada: User) -> None:
    row = product()
    token = change(ada, row.pk, stock=9).undo
    change(ada, row.pk, name="Saw")
    undo(ada, token)
    again = Product.objects.get()
    assert (again.stock, again.name) == (3, "Saw")


def test_deleted_row_comes_back_as_it_was(ada: User) -> None:
    row = full_product()
    access = GridAccess(ProductEditGrid, ada)
    version = get_record(access, row.pk).version
    result = delete_row(access, row.pk, version, undoable=True)
    with hearing() as heard:
        undone = undo(ada, result.undo)
    assert values_of(Product.objects.get()) == values_of(row)
    assert undone.outcomes[0].row.version == version
    assert heard.told() == [("row:create", "before"), ("row:create", "after")]


def test_deleted_row_stays_away_when_its_key_is_taken(ada: User) -> None:
    row = product()
    access = GridAccess(ProductEditGrid, ada)
    result = delete_row(access, row.pk, get_record(access, row.pk).version, undoable=True)
    product(pk=row.pk, sku="B-2")
    with pytest.raises(UndoError):
        undo(ada, result.undo)
    assert Product.objects.get().sku == "B-2"


@pytest.mark.parametrize("referrer", [True, False])
def test_deletion_that_touched_other_rows_can_not_be_undone(ada: User, referrer: bool) -> None:
    row = order()
    bob = Customer.objects.create(name="Bob", email="b@x.org")
    if referrer:
        row.referrer = bob
        row.save()
    target = bob if referrer else row.customer
    access = GridAccess(CustomerEditGrid, ada)
    version = get_record(access, target.pk).version
    assert delete_row(access, target.pk, version, cascade=True, undoable=True).undo is None


def test_new_row_is_taken_away_unless_it_was_changed(ada: User) -> None:
    access = GridAccess(ProductEditGrid, ada)
    values = {"sku": "S-1", "name": "Saw", "price": "1"}
    first = create_row(access, values, undoable=True)
    change(ada, first.row.id, stock=1)
    with pytest.raises(UndoError):
        undo(ada, first.undo)
    second = create_row(access, {**values, "sku": "S-2"}, undoable=True)
    undone = undo(ada, second.undo)
    assert Product.objects.get().sku == "S-1"
    undo(ada, undone.undo)
    assert {row.pk for row in Product.objects.all()} == {first.row.id, second.row.id}


def test_undo_keeps_to_the_rights_of_now(ada: User) -> None:
    user = User.objects.create_user("bob")
    user.user_permissions.set(Permission.objects.filter(codename__in=["edit_grid"]))
    token = change(user, product().pk, stock=9).undo
    user.user_permissions.clear()
    with pytest.raises(AccessDeniedError):
        undo(User.objects.get(pk=user.pk), token)
    with pytest.raises(UndoError, match="no change of yours"):
        undo(ada, token)


@pytest.mark.parametrize(("done", "needed"), [("create", "add_product"), ("delete", "delete_product")])
def test_undo_takes_the_right_to_what_was_done(ada: User, done: str, needed: str) -> None:
    user = User.objects.create_user("bob")
    rights = Permission.objects.filter(codename__in=["edit_grid", "view_price", "add_product", "delete_product"])
    user.user_permissions.set(rights)
    access = GridAccess(ProductEditGrid, user)
    made = create_row(access, {"sku": "A-1", "name": "Saw", "category": "tool", "price": "1.00"}, undoable=True)
    token = made.undo
    if done == "delete":
        token = delete_row(access, made.row.id, made.row.version, undoable=True).undo
    user.user_permissions.set(rights.exclude(codename=needed))
    before = list(Product.objects.values_list("sku"))
    with pytest.raises(AccessDeniedError):
        undo(User.objects.get(pk=user.pk), token)
    assert list(Product.objects.values_list("sku")) == before


@pytest.mark.parametrize("again", [False, True], ids=["undo", "redo"])
def test_column_that_the_user_may_not_change_any_more_stays_as_it_is(ada: User, *, again: bool) -> None:
    user = User.objects.create_user("bob")
    user.user_permissions.set(Permission.objects.filter(codename__in=["edit_grid", "view_price"]))
    row = product(price=Decimal("9.90"))
    token = change(user, row.pk, price="5.00", name="New").undo
    if again:
        token = undo(user, token).undo
    before = values_of(Product.objects.get(pk=row.pk))
    user.user_permissions.set(Permission.objects.filter(codename="edit_grid"))
    with pytest.raises(UndoError) as caught:
        undo(User.objects.get(pk=user.pk), token)
    assert caught.value.extra == {"failed": [{"id": str(row.pk), "code": "column-unknown"}]}
    assert values_of(Product.objects.get(pk=row.pk)) == before


def test_value_that_the_model_would_refuse_now_stays(ada: User) -> None:
    row = product(sku="A-1")
    token = change(ada, row.pk, sku="B-2").undo
    product(sku="A-1", name="Other")
    with pytest.raises(UndoError):
        undo(ada, token)
    assert Product.objects.get(pk=row.pk).sku == "B-2"


@pytest.mark.parametrize(
    "forge", [lambda token: "", lambda token: token[:-1], lambda token: "x" + token, lambda token: "u1.%%%"]
)
def test_forged_token_is_refused(ada: User, forge: Callable[[str], str]) -> None:
    token = change(ada, product().pk, stock=9).undo
    assert token
    with pytest.raises(UndoError, match="no token of this site"):
        undo_change(GridAccess(ProductEditGrid, ada), forge(token))


def test_token_of_another_grid_is_refused(ada: User) -> None:
    with pytest.raises(UndoError, match="no change of yours"):
        undo(ada, change(ada, product().pk, stock=9).undo, CustomerEditGrid)


def test_old_change_is_refused(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    token = change(ada, product().pk, stock=9).undo
    later = timezone.now() + timedelta(minutes=61)
    with monkeypatch.context() as patched:
        patched.setattr("gridkit_django.grids.keeping.timezone.now", lambda: later)
        with pytest.raises(UndoError, match="too old"):
            undo(ada, token)
    undo(ada, token)


def test_small_change_is_kept_in_its_token_alone(ada: User) -> None:
    row = product(name="Häm\nmer")
    token = change(ada, row.pk, name="Saw").undo
    assert token
    assert not EditUndo.objects.exists()
    assert "mmer" not in str(base64.urlsafe_b64decode(token.partition(".")[2] + "=="))
    undo(ada, token)
    assert Product.objects.get().name == "Häm\nmer"


def test_token_is_opened_after_the_site_has_another_secret_key(ada: User, settings: Any) -> None:
    token = change(ada, product().pk, stock=9).undo
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key of the site, long enough to be one"
    undo(ada, token)
    again = change(ada, Product.objects.get().pk, stock=9).undo
    settings.SECRET_KEY = "a third secret key of the site, long enough to be one"
    with pytest.raises(UndoError, match="no token of this site"):
        undo(ada, again)


def test_large_change_is_stored_works_once_and_is_cleaned_away(ada: User) -> None:
    row = product(description="x" * 3000)
    token = change(ada, row.pk, description="y").undo
    undo(ada, token)
    assert Product.objects.get().description == "x" * 3000
    with pytest.raises(UndoError, match="undone already"):
        undo(ada, token)
    token = change(ada, row.pk, description="z").undo
    EditUndo.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    with pytest.raises(UndoError, match="too old"):
        undo(ada, token)
    with pytest.raises(UndoError, match="no change of yours"):
        undo(ada, token, CustomerEditGrid)
    assert expire_undos() == 3
    assert not EditUndo.objects.exists()


def test_nothing_is_kept_without_need(ada: User) -> None:
    row = product()
    assert change(ada, row.pk, name="Hammer").undo is None
    access = GridAccess(ProductEditGrid, ada)
    assert apply_edit(access, row.pk, {"stock": 4}, get_record(access, row.pk).version).undo is None
    with override_settings(GRIDKIT={"UNDO_MINUTES": 0}):
        assert change(ada, row.pk, stock=5).undo is None
    with override_settings(GRIDKIT={"UNDO_ROWS_MAX": 0}):
        assert change(ada, row.pk, stock=6).undo is None
    assert not EditUndo.objects.exists()


def test_refused_edit_keeps_no_undo(ada: User) -> None:
    with pytest.raises(EditInvalidError):
        change(ada, product().pk, stock="x")
    assert not EditUndo.objects.exists()
