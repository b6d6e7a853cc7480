"""Taking recorded creations and deletions back: as edits of today, whole or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from gridkit_django.audit import AuditPolicy, audit_policies
from gridkit_django.exceptions import DeleteCascadesError, EditInvalidError, RevertError
from gridkit_django.grids import Grid, IntegerColumn, grid_registry, open_grid
from gridkit_django.grids.audit_reading import AuditReader
from gridkit_django.grids.reverting import may_revert, revert_change
from gridkit_django.grids.undo import undo_change
from gridkit_django.models import AuditRecord
from tests.museum.models import Artist, Loan, Tag, Work
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

GRID = "reverted-works"
RIGHTS = ("gridkit_django.open_grid", "gridkit_django.edit_grid", "gridkit_django.view_auditrecord")
FULL: dict[str, Any] = {
    "title": "Dawn",
    "code": "a",
    "price": Decimal("1.10"),
    "height": 0.5,
    "count": 3,
    "facts": {"a": [1, 1.5, None]},
    "bought": dt.date(2020, 2, 29),
    "seen": dt.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
    "opens": dt.time(9, 30),
    "lasts": dt.timedelta(days=1, microseconds=1),
    "digest": b"\x00\xff",
    "image": "works/a.png",
}


class WorkGrid(Grid):
    """Works; not all of their fields are columns."""

    class Meta:
        model = Work
        id = GRID
        columns = ["title", "code", "count"]
        creatable = True
        deletable = True


class StockGrid(Grid):
    """Products, whose time of the last save is no column."""

    stock = IntegerColumn(editable=True)

    class Meta:
        model = Product
        id = "reverted-stock"
        columns = ["sku", "stock"]


@pytest.fixture(autouse=True)
def _grid() -> Iterator[None]:
    for grid in (WorkGrid, StockGrid):
        grid_registry().register(grid)
    yield
    for name in (GRID, "reverted-stock"):
        grid_registry().unregister(name)
    audit_policies().drop("reverting")


@pytest.fixture
def make_user() -> Callable[..., User]:
    def make(name: str, *rights: str) -> User:
        user = User.objects.create_user(name)
        for right in (*RIGHTS, *rights):
            app, _, codename = right.partition(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        return user

    return make


@pytest.fixture
def fixer(make_user: Callable[..., User]) -> User:
    return make_user("fixer", "museum.view_work", "museum.add_work", "museum.delete_work")


def follow(**options: Any) -> None:
    audit_policies().set("reverting", [AuditPolicy(model_label="museum.work", **options)])


def newest(action: str) -> AuditRecord:
    return AuditRecord.objects.filter(action=action, target_type="museum.work").latest("pk")


def stored(work: Work) -> dict[str, Any]:
    """Return a row and its links as they are in the database."""
    row = Work.objects.filter(pk=work.pk).values().get()
    row["digest"] = None if row["digest"] is None else bytes(row["digest"])
    return {**row, "tags": sorted(work.tags.values_list("pk", flat=True))}


def test_deleted_row_is_made_again_with_its_key_every_value_and_its_links(fixer: User) -> None:
    follow()
    work = Work.objects.create(artist=Artist.objects.create(name="Ada"), **FULL)
    work.tags.set([Tag.objects.create(name=name) for name in "xy"])
    before, key = stored(work), work.pk
    work.delete()
    deletion = newest("row.delete")
    assert may_revert(fixer, AuditReader(fixer).one(deletion.uuid))

    result = revert_change(fixer, deletion.uuid)

    assert result.row is not None
    assert (result.row.id, stored(Work.objects.get(pk=key))) == (key, before)
    made = newest("row.create")
    assert (made.grid, made.context["reason"]) == (GRID, f"Revert of {deletion.uuid}")
    assert result.undo
    undo_change(open_grid(GRID, fixer), result.undo)
    assert not Work.objects.exists()


def test_new_row_is_deleted_and_can_come_back(fixer: User) -> None:
    follow()
    work = Work.objects.create(**FULL)
    result = revert_change(fixer, newest("row.create").uuid)
    assert (result.row, Work.objects.exists()) == (None, False)
    assert newest("row.delete").target_id == str(work.pk)
    assert result.undo
    undo_change(open_grid(GRID, fixer), result.undo)
    assert Work.objects.get().code == "a"


def test_new_row_that_was_changed_since_stays(fixer: User) -> None:
    follow()
    work = Work.objects.create(**FULL)
    Work.objects.update(count=9)
    with pytest.raises(RevertError, match="Changed again since: count"):
        revert_change(fixer, newest("row.create").uuid)
    assert Work.objects.get() == work


def test_new_row_that_others_depend_on_stays(fixer: User, make_user: Callable[..., User]) -> None:
    follow()
    work = Work.objects.create(**FULL)
    Loan.objects.create(work=work, lender=Artist.objects.create(name="Ada"))
    admin = User.objects.create_superuser("root")
    with pytest.raises(DeleteCascadesError):
        revert_change(admin, newest("row.create").uuid)
    assert Loan.objects.exists()


def test_deleted_row_whose_key_or_unique_value_is_taken_stays_away(fixer: User) -> None:
    follow()
    work = Work.objects.create(**FULL)
    key = work.pk
    work.delete()
    deletion = newest("row.delete")
    other = Work.objects.create(**{**FULL, "title": "Other"})
    with pytest.raises(EditInvalidError):
        revert_change(fixer, deletion.uuid)
    Work.objects.filter(pk=other.pk).delete()
    again = Work.objects.create(pk=key, title="Again", code="b")
    with pytest.raises(RevertError, match="There is a row with this key"):
        revert_change(fixer, deletion.uuid)
    again.delete()
    with pytest.raises(RevertError, match="newest deletion"):
        revert_change(fixer, deletion.uuid)
    revert_change(fixer, newest("row.delete").uuid)
    assert Work.objects.get().title == "Again"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mask": frozenset({"title"})}, "not stored in the clear"),
        ({"encrypt": frozenset({"title"})}, "not stored in the clear"),
        ({"exclude": frozenset({"title"})}, "does not hold all of the row: title"),
        ({"exclude": frozenset({"seen"})}, "does not hold all of the row: seen"),
    ],
)
def test_deletion_whose_record_lacks_a_value_is_not_taken_back(fixer: User, options: dict[str, Any], told: str) -> None:
    follow(**options)
    Work.objects.create(**FULL).delete()
    with pytest.raises(RevertError, match=told):
        revert_change(fixer, newest("row.delete").uuid)


def test_deletion_whose_links_lead_to_what_is_gone_is_not_taken_back_at_all(fixer: User) -> None:
    follow()
    work = Work.objects.create(**FULL)
    work.tags.set([Tag.objects.create(name="x")])
    work.delete()
    Tag.objects.all().delete()
    with pytest.raises(RevertError, match="'tags' is gone"):
        revert_change(fixer, newest("row.delete").uuid)
    assert not Work.objects.exists()


def test_field_that_is_gone_or_has_another_type_now_is_refused(fixer: User) -> None:
    follow()
    Work.objects.create(**FULL).delete()
    deletion = newest("row.delete")
    for changes, told in (
        ({**deletion.changes, "gone": [1, None]}, "no field 'gone'"),
        ({**deletion.changes, "bought": ["soon", None]}, "'bought' does not take"),
        ({**deletion.changes, "lenders": [[1], None]}, "'lenders' held more"),
    ):
        forged = AuditRecord(
            action="row.delete", target_type="museum.work", target_id=deletion.target_id, changes=changes,
            operation=deletion.operation,
        )  # fmt: skip
        forged.save()
        with pytest.raises(RevertError, match=told):
            revert_change(fixer, forged.uuid)


def test_who_may_not_delete_or_make_rows_takes_neither_back(make_user: Callable[..., User]) -> None:
    follow()
    editor = make_user("editor", "museum.view_work")
    Work.objects.create(**FULL).delete()
    for action in ("row.create", "row.delete"):
        found = newest(action)
        assert not may_revert(editor, AuditReader(editor).one(found.uuid))
        with pytest.raises(RevertError, match="No grid over this model lets you"):
            revert_change(editor, found.uuid)


def test_time_of_the_last_save_does_not_stand_in_the_way(make_user: Callable[..., User]) -> None:
    audit_policies().set("reverting", [AuditPolicy(model_label="shop.product")])
    product = Product.objects.create(sku="a", name="A", price="1.00", stock=3)
    product.stock = 4
    product.save()
    change = AuditRecord.objects.get(action="row.update", target_type="shop.product")
    assert change.changes.keys() == {"stock", "updated"}

    revert_change(make_user("editor", "shop.view_product"), change.uuid)

    product.refresh_from_db()
    assert product.stock == 3
    assert product.updated.isoformat() > change.changes["updated"][1]


def test_links_are_no_column_and_the_refusal_names_them(fixer: User) -> None:
    follow()
    work = Work.objects.create(**FULL)
    work.tags.add(Tag.objects.create(name="x"))

    with pytest.raises(RevertError, match="not tags"):
        revert_change(fixer, newest("row.update").uuid)
