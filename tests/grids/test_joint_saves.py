"""Rows of a bulk change are written together where that is all that their model would do, else one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext

from gridkit_django.exceptions import EditInvalidError
from gridkit_django.grids import GridAccess
from gridkit_django.grids.bulk import BulkChange, carry_out_bulk
from gridkit_django.grids.drafts import Draft
from gridkit_django.grids.joint_saves import save_together
from gridkit_django.grids.selection import Selection
from tests.grids.edits import ADMIN, ProductEditGrid, hearing, product
from tests.shop.models import Product, Specimen

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def shelf() -> list[Product]:
    """Four products; the stock of each is its number."""
    return [product(sku=f"S{number}", stock=number) for number in range(4)]


@contextmanager
def updates() -> Iterator[list[str]]:
    """Note the updates of products that change something, unlike the lock on SQLite."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield found
    found += [item["sql"] for item in queries if item["sql"].startswith("UPDATE") and '"updated"' in item["sql"]]


def change_all(**changes: Any) -> None:
    access = GridAccess(ProductEditGrid, User.objects.create_superuser("ada"))
    carry_out_bulk(access, BulkChange("update", Selection.from_dict({"query": {}}), Product.objects.count(), changes))


def drafts(**values: Any) -> list[Draft]:
    """Judged drafts of all products."""
    found = [Draft(GridAccess(ProductEditGrid, ADMIN), row, values) for row in Product.objects.all()]
    for draft in found:
        draft.judge()
    return found


def test_rows_that_get_the_same_are_written_by_one_statement_and_told_one_by_one() -> None:
    Product.objects.update(updated=LONG_AGO)
    with hearing() as heard, updates() as written:
        change_all(stock=2, name="Saw")
    assert set(Product.objects.values_list("stock", "name")) == {(2, "Saw")}
    assert len([name for name, moment in heard.told() if (name, moment) == ("row:update", "after")]) == 4
    assert len(written) == 2  # one of the rows had the stock already: only its name changes
    assert Product.objects.filter(updated__gt=LONG_AGO).count() == 4


def test_each_row_gets_what_its_model_makes_of_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    def clean(row: Product) -> None:
        row.description = "even" if row.sku in {"S0", "S2"} else "odd"

    monkeypatch.setattr(Product, "clean", clean)
    with updates() as written:
        change_all(stock=50)
    assert list(Product.objects.values_list("description", flat=True)) == ["even", "odd", "even", "odd"]
    assert len(written) == 2


def test_model_with_a_save_of_its_own_saves_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[str] = []
    save = Product.save

    def note(row: Product, **kwargs: Any) -> None:
        saved.append(row.sku)
        save(row, **kwargs)

    monkeypatch.setattr(Product, "save", note)
    change_all(stock=50)
    assert saved == ["S0", "S1", "S2", "S3"]


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=["pre_save", "post_save"])
def test_who_listens_to_saves_hears_of_each_row(signal: Any) -> None:
    heard: list[str] = []

    def listen(instance: Product, **_kwargs: Any) -> None:
        heard.append(instance.sku)

    signal.connect(listen, sender=Product)
    try:
        change_all(stock=50)
    finally:
        signal.disconnect(listen, sender=Product)
    assert heard == ["S0", "S1", "S2", "S3"]


def test_row_that_the_database_refuses_among_others_is_named(shelf: list[Product]) -> None:
    with pytest.raises(EditInvalidError) as caught:
        change_all(sku="same")
    assert caught.value.extra["id"] == shelf[1].pk
    assert set(Product.objects.values_list("sku", flat=True)) == {"S0", "S1", "S2", "S3"}


def test_documents_that_only_python_takes_for_equal_are_told_apart() -> None:
    Product.objects.update(attributes={"a": 0})
    found = drafts(attributes={"a": 1})
    found[0].restore({"attributes": {"a": True}})
    assert save_together(found, "default") == [found[0]]
    assert Product.objects.get(sku="S1").attributes["a"] is not True


def test_row_that_is_gone_is_left_to_a_save_of_its_own() -> None:
    found = drafts(stock=50)
    Product.objects.filter(sku="S3").delete()
    assert save_together(found, "default") == found
    assert set(Product.objects.values_list("stock", flat=True)) == {0, 1, 2}


@pytest.mark.parametrize("value", [F("stock") + 1, [50]], ids=["worked out", "list"])
def test_values_that_can_not_be_compared_are_left_to_a_save_of_their_own(value: Any) -> None:
    found = drafts(stock=50)
    found[0].restore({"stock": value})
    assert save_together(found, "default") == [found[0]]


def test_fields_that_do_something_at_a_save_are_left_to_it() -> None:
    rows = [Specimen.objects.create(), Specimen.objects.create()]
    found = [Draft(GridAccess(ProductEditGrid, ADMIN), row, {}) for row in rows]
    for draft in found:
        draft.restore({"file": "a.txt"})
        draft.changed_fields = (Specimen._meta.get_field("file"),)
    assert save_together(found, "default") == found


def test_nothing_is_saved_of_nothing() -> None:
    assert save_together([], "default") == []
