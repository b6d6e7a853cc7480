"""What a person is told when the model or the database refuses an edit."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import models
from django.test.utils import isolate_apps

from gridkit_django.exceptions import EditInvalidError, ErrorItem
from gridkit_django.grids import DecimalColumn, Grid, IntegerColumn, TextColumn
from gridkit_django.grids.refusals import CLASH, HIDDEN
from tests.grids.edits import ADMIN, ProductEditGrid, edit, product
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

with isolate_apps("tests.shop"):

    class RuledProduct(Product):
        """Has rules of its own: ``clean`` raises what the name says, and keeps descriptions in capitals."""

        class Meta:
            proxy = True
            app_label = "shop"
            constraints = [
                models.UniqueConstraint(fields=["name", "category"], name="named_once"),
                models.UniqueConstraint(fields=["stock", "discount"], name="stocked_once"),
            ]

        def clean(self) -> None:
            if self.description:
                self.description = self.description.upper()
            rule: Any = {
                "whole": "The whole row is wrong.",
                "own": {"name": ["One thing.", "Another thing."]},
                "other": {"stock": "Too few for this name."},
                "hidden": {"price": "Must be above 5.00, the secret price."},
                "no-column": {"rating": "The secret rating is too low."},
            }.get(self.name)
            if rule:
                raise ValidationError(rule)

    class CarelessProduct(Product):
        """Leaves uniqueness to the database, and refuses one name only when it is saved."""

        class Meta:
            proxy = True
            app_label = "shop"

        def validate_unique(self, exclude: Collection[str] | None = None) -> None:
            del exclude

        def save(self, **kwargs: Any) -> None:  # type: ignore[override]
            if self.name == "late":
                raise ValidationError({"name": "Too late."})
            super().save(**kwargs)

    class CheckedProduct(models.Model):
        """Some columns of the products' table, with a check that Django makes before it saves."""

        stock = models.IntegerField()

        class Meta:
            managed = False
            app_label = "shop"
            db_table = "shop_product"
            constraints = [models.CheckConstraint(condition=models.Q(stock__lt=1000), name="stock_small")]

        def __str__(self) -> str:
            return str(self.pk)


class CheckedGrid(Grid):
    stock = IntegerColumn(editable=True)

    class Meta:
        model = CheckedProduct
        id = "checked-products"


class RuledGrid(Grid):
    name = TextColumn(editable=True)
    stock = IntegerColumn(editable=True)
    description = TextColumn(editable=True)
    price = DecimalColumn(permission=lambda _user: False)

    class Meta:
        model = RuledProduct
        id = "ruled-products"
        columns = ["name", "category", "stock", "description", "price"]


class CarelessGrid(Grid):
    sku = TextColumn(editable=True)
    name = TextColumn(editable=True)

    class Meta:
        model = CarelessProduct
        id = "careless-products"
        columns = ["sku", "name"]


def refused(grid: type[Grid], row: Product, **changes: Any) -> list[ErrorItem]:
    with pytest.raises(EditInvalidError) as caught:
        edit(grid, row, **changes)
    assert {item.code for item in caught.value.errors} == {"edit-invalid"}
    assert Product.objects.get(pk=row.pk).name == row.name
    return list(caught.value.errors)


def said(items: list[ErrorItem]) -> list[tuple[str, str]]:
    return [(item.pointer, item.detail) for item in items]


def test_rule_about_an_edited_column_is_told_at_the_column() -> None:
    assert said(refused(RuledGrid, product(), name="own")) == [
        ("/changes/name", "One thing."),
        ("/changes/name", "Another thing."),
    ]


def test_rule_about_another_visible_column_is_told_with_its_label() -> None:
    assert said(refused(RuledGrid, product(), name="other")) == [("/changes", "Stock: Too few for this name.")]


def test_rule_about_the_whole_row_is_told_at_the_changes() -> None:
    assert said(refused(RuledGrid, product(), name="whole")) == [("/changes", "The whole row is wrong.")]


@pytest.mark.parametrize("name", ["hidden", "no-column"])
def test_rule_about_a_field_that_the_user_does_not_see_tells_nothing_of_it(name: str) -> None:
    assert said(refused(RuledGrid, product(), name=name)) == [("/changes", HIDDEN)]


def test_value_taken_by_another_row_is_refused_at_the_column() -> None:
    product(sku="B-2")
    (item,) = refused(ProductEditGrid, product(), sku="B-2")
    assert item.pointer == "/changes/sku"
    assert "already exists" in item.detail


def test_values_unique_together_are_judged_when_only_one_of_them_changed() -> None:
    product(sku="B-2", name="Saw")
    (item,) = refused(RuledGrid, product(), name="Saw")
    assert item.pointer == "/changes"
    assert "Name and Category already exists" in item.detail


def test_uniqueness_with_a_hidden_field_tells_nothing_of_it() -> None:
    product(sku="B-2", name="Saw", stock=4, discount=1)
    assert said(refused(RuledGrid, product(discount=1), stock=4)) == [("/changes", HIDDEN)]


def test_check_constraint_is_told_at_the_changes() -> None:
    assert said(refused(CheckedGrid, product(), stock=1000)) == [("/changes", "Constraint “stock_small” is violated.")]


def test_old_row_that_breaks_a_rule_of_another_field_can_still_be_edited() -> None:
    row = product()
    Product.objects.filter(pk=row.pk).update(category="gone")
    assert edit(RuledGrid, row, name="Saw").changed == ("name",)


def test_what_the_models_clean_changes_is_saved_and_told_too() -> None:
    row = product(description="heavy")
    result = edit(RuledGrid, row, name="Saw")
    assert result.changed == ("name", "description")
    assert Product.objects.get().description == "HEAVY"


def test_edit_that_clean_turns_into_nothing_writes_nothing() -> None:
    row = product(description="HEAVY")
    assert edit(RuledGrid, row, description="heavy").changed == ()
    assert Product.objects.get().updated == row.updated


def test_refusal_of_save_itself_is_told_at_the_column() -> None:
    assert said(refused(CarelessGrid, product(), name="late")) == [("/changes/name", "Too late.")]


def test_refusal_of_the_database_is_told_without_its_text_and_the_transaction_goes_on() -> None:
    product(sku="B-2")
    row = product()
    assert said(refused(CarelessGrid, row, sku="B-2")) == [("/changes", CLASH)]
    assert edit(CarelessGrid, row, sku="C-3").changed == ("sku",)
    assert edit(ProductEditGrid, row, user=ADMIN, stock=9).changed == ("stock",)
