"""Saving by one UPDATE where Django's own save would do nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Model
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext

from gridkit_django.grids import quick_saves
from gridkit_django.grids.quick_saves import save_quickly
from tests.grids.edits import ProductEditGrid, edit, product
from tests.shop.models import Customer, Product, Specimen

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def quickly(instance: Model, *names: str) -> bool:
    fields = [instance._meta.get_field(name) for name in names]
    with transaction.atomic():
        return save_quickly(instance, fields, "default")  # type: ignore[arg-type]


def test_values_of_every_kind_are_stored_as_django_stores_them() -> None:
    names = ("price", "attributes", "active", "released", "restocked", "rating", "description", "token")
    given = product(
        price=Decimal("9.90"),
        attributes={"a": [1, None, "é%s"]},
        released=datetime(2024, 2, 29, tzinfo=UTC).date(),
        restocked=datetime(2024, 2, 29, 1, 2, 3, 456789, tzinfo=UTC),
        rating=0.1,
        description="100 % of %s",
    )
    quick, slow = Product.objects.create(sku="q", price=1), Product.objects.create(sku="s", price=1)
    for row in (quick, slow):
        for name in names:
            setattr(row, name, getattr(given, name))
    assert quickly(quick, *names)
    slow.save(update_fields=names)
    stored = Product.objects.values(*names)
    assert stored.get(sku="q") == stored.get(sku="s")


def test_edit_of_a_plain_model_takes_one_update_with_the_time_that_django_stamps() -> None:
    row = product()
    Product.objects.update(updated=datetime(2020, 1, 1, tzinfo=UTC))
    with CaptureQueriesContext(connection) as captured:
        edit(ProductEditGrid, row, stock=12)
    again = Product.objects.get()
    assert again.stock == 12
    assert again.updated.year > 2020
    writes = [query["sql"] for query in captured.captured_queries if query["sql"].startswith("UPDATE")]
    assert ["SET" in sql and "12" in sql for sql in writes][-1]


@pytest.mark.parametrize("signal", [pre_save, post_save])
def test_row_that_somebody_listens_for_is_left_to_django(signal: Any) -> None:
    heard: list[Any] = []

    def hear(instance: Any, **_kwargs: Any) -> None:
        heard.append(instance.stock)

    row = product()
    with ExitStack() as stack:
        signal.connect(hear, sender=Product)
        stack.callback(signal.disconnect, hear, sender=Product)
        assert not quickly(row, "stock")
        edit(ProductEditGrid, row, stock=12)
    assert heard == [12]
    assert quickly(row, "stock")


@pytest.mark.parametrize("name", ["save", "save_base"])
def test_model_with_a_save_of_its_own_is_left_to_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = product()
    own: Callable[..., Any] = getattr(Model, name)
    seen: list[str] = []

    def save(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(name)
        return own(self, *args, **kwargs)

    monkeypatch.setattr(Product, name, save, raising=False)
    assert not quickly(row, "stock")
    edit(ProductEditGrid, row, stock=12)
    assert seen == [name]


def test_row_whose_writes_are_recorded_is_left_to_django(monkeypatch: pytest.MonkeyPatch) -> None:
    row = product()
    monkeypatch.setattr(quick_saves, "is_captured", lambda model, alias: (model, alias) == (Product, "default"))
    assert not quickly(row, "stock")


@pytest.mark.parametrize("value", [F("stock") + 1])
def test_expression_is_left_to_django(value: Any) -> None:
    row = product()
    row.stock = value
    assert not quickly(row, "stock")


def test_bytes_and_saves_without_fields_are_left_to_django() -> None:
    assert not quickly(Specimen.objects.create(raw=b"a"), "raw")
    assert not quickly(product())


def test_row_that_is_gone_is_left_to_django_which_refuses() -> None:
    row = product()
    Product.objects.all().delete()
    assert not quickly(row, "stock")


def test_value_that_the_database_refuses_raises_its_error() -> None:
    Customer.objects.create(name="A", email="a@x.example")
    other = Customer.objects.create(name="B", email="b@x.example")
    other.email = "a@x.example"
    with pytest.raises(DatabaseError):
        quickly(other, "email")
