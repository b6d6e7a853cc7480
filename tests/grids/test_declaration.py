"""Declaring grids: columns are bound and inferred, and every slip is found."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test import modify_settings, override_settings
from django.test.utils import isolate_apps

from gridkit_django.exceptions import GridDeclarationError
from gridkit_django.grids import DateColumn, Grid, IntegerColumn, TextColumn
from gridkit_django.grids.grid import Grid as GridBase
from gridkit_django.models import ExportJob
from tests.grids.shop import OrderGrid, ProductGrid
from tests.shop.models import Customer, Order, Product


def make_grid(columns: list[str] | None = None, *, attributes: dict[str, Any] | None = None, **meta: Any) -> type[Grid]:
    """Make a grid over orders."""
    options = {"model": Order, "id": "made", **({} if columns is None else {"columns": columns}), **meta}
    return type("MadeGrid", (Grid,), {"Meta": type("Meta", (), options), **(attributes or {})})


def codes(grid: type[Grid]) -> list[str]:
    return [fault.code for fault in grid.faults()]


def test_columns_are_inferred_from_every_kind_of_field() -> None:
    types = {name: column.type for name, column in ProductGrid.columns().items()}
    assert types == {
        "sku": "text",
        "name": "text",
        "category": "choice",
        "price": "decimal",
        "stock": "integer",
        "active": "boolean",
        "token": "uuid",
        "attributes": "json",
        "description": "text",
        "rating": "float",
        "released": "date",
        "restocked": "datetime",
        "opens": "time",
        "discount": "decimal",
    }


def test_foreign_key_becomes_its_raw_value_typed_by_its_target() -> None:
    customer = OrderGrid.columns()["customer"]
    assert (customer.type, customer.path, customer.own, customer.nullable) == ("integer", "customer__id", True, False)
    assert customer.field is Order._meta.get_field("customer")
    assert customer.label == "Customer"


def test_foreign_key_can_be_named_by_its_column_and_by_pk() -> None:
    grid = make_grid(["a", "b"], attributes={"a": IntegerColumn("customer_id"), "b": IntegerColumn("customer__pk")})
    assert [column.path for column in grid.columns().values()] == ["customer__id", "customer__id"]
    assert [column.own for column in grid.columns().values()] == [True, False]


def test_label_through_an_optional_relation_is_nullable() -> None:
    columns = OrderGrid.columns()
    assert columns["referrer"].nullable
    assert columns["referrer_name"].nullable
    assert not columns["customer_name"].nullable
    assert not columns["referrer_name"].own


def test_columns_keep_the_declared_order_when_meta_lists_none() -> None:
    grid = make_grid(attributes={"quantity": IntegerColumn(), "note": TextColumn(label="Remark")})
    assert list(grid.columns()) == ["quantity", "note"]
    assert grid.columns()["note"].label == "Remark"


def test_columns_are_inherited_and_may_be_left_out_by_the_heir() -> None:
    class Base(Grid):
        note = TextColumn()
        quantity = IntegerColumn()

    class Heir(Base):
        class Meta:
            model = Order
            columns = ["note"]

    assert list(Heir.columns()) == ["note"]
    with pytest.raises(GridDeclarationError, match="no class Meta"):
        Base.columns()


def test_default_id_and_label_come_from_the_class_and_the_model() -> None:
    class LateOrderGrid(Grid):
        class Meta:
            model = Order
            columns = ["id"]

    assert (LateOrderGrid.options.id, LateOrderGrid.options.label) == ("late-order", "Orders")


@pytest.mark.parametrize(
    ("meta", "text"),
    [
        ({"sorting": ["x"]}, "unknown options: sorting"),
        ({"model": "shop.Order"}, "must be the model class"),
        ({"id": "Über/uns"}, "must be small letters"),
        ({"search": "note"}, "must be a list of column ids"),
        ({"default_sort": [1]}, "must be a list of column ids"),
    ],
)
def test_meta_that_can_not_be_read_is_refused_when_the_class_is_made(meta: dict[str, Any], text: str) -> None:
    with pytest.raises(GridDeclarationError, match=text):
        make_grid(["id"], **meta)


def test_attribute_that_would_hide_the_grids_own_names_is_refused() -> None:
    with pytest.raises(GridDeclarationError, match="declares the columns columns"):
        make_grid(["columns"], attributes={"columns": TextColumn("note")})


@pytest.mark.parametrize(
    ("columns", "more", "expected"),
    [
        (["nope"], {}, ["E101"]),
        (["customer__nope"], {}, ["E101"]),
        (["note__length"], {}, ["E101"]),
        (["total"], {"attributes": {"total": TextColumn("customer__get_name")}}, ["E101"]),
        (["x"], {"attributes": {"x": TextColumn("customer__orders__note")}}, ["E102"]),
        (["x"], {"attributes": {"x": DateColumn("placed")}}, ["E103"]),
        (["x"], {"attributes": {"x": IntegerColumn("note")}}, ["E103"]),
        (["id"], {"default_sort": ["-note"]}, ["E104"]),
        (["note"], {"default_sort": ["note"], "attributes": {"note": TextColumn(sortable=False)}}, ["E104"]),
        (["id"], {"search": ["note"]}, ["E105"]),
        (["id"], {"audit_label": "note"}, ["E113"]),
        (["id"], {"audit_label": "id"}, ["E113"]),
        (["note"], {"search": ["note"], "attributes": {"note": TextColumn(searchable=False)}}, ["E105"]),
        ([], {}, ["E106"]),
        (["id"], {"attributes": {"note": TextColumn()}}, ["E106"]),
        (["id", "id"], {}, ["E106"]),
        (["x"], {"attributes": {"x": TextColumn("customer__name", editable=True)}}, ["E107"]),
        (["id"], {"attributes": {"id": IntegerColumn(editable=True)}}, ["E107"]),
        (["id"], {"page_size": 501}, ["E108"]),
        (["id"], {"page_size": 0}, ["E108"]),
        (["id"], {"time_zone": "Europe/Nowhere"}, ["E108"]),
        (["id"], {"row_permission": "view_order"}, ["E108"]),
        (["note"], {"attributes": {"note": TextColumn(permission="view_note")}}, ["E109"]),
        (["id"], {"time_zone": "Europe/Paris", "page_size": 500, "row_permission": "shop.view_order"}, []),
    ],
)
def test_slip_is_found_under_its_number(columns: list[str], more: dict[str, Any], expected: list[str]) -> None:
    assert codes(make_grid(columns, **more)) == expected


def test_faulty_grid_is_refused_at_its_first_use_with_all_faults() -> None:
    grid = make_grid(["nope", "id"], default_sort=["zzz"])
    with pytest.raises(GridDeclarationError, match=r"\[E101\].*\[E104\]"):
        grid.columns()


def test_row_permission_without_guardian_is_a_fault() -> None:
    with modify_settings(INSTALLED_APPS={"remove": ["guardian"]}):
        assert codes(make_grid(["id"], row_permission="shop.view_order")) == ["E108"]


@isolate_apps("tests.shop")
def test_field_that_no_column_shows_is_a_fault() -> None:
    class Stay(models.Model):  # noqa: DJ008 - lives for one test
        length = models.DurationField()
        guest = models.OneToOneField(Customer, models.CASCADE)

        class Meta:
            app_label = "shop"

    assert codes(make_grid(["length"], model=Stay)) == ["E103"]


@isolate_apps("tests.shop")
def test_generic_relation_can_not_be_followed_and_one_to_one_back_can() -> None:
    class Place(models.Model):  # noqa: DJ008 - lives for one test
        name = models.CharField(max_length=9)

        class Meta:
            app_label = "shop"

    class Inn(models.Model):  # noqa: DJ008 - lives for one test
        place = models.OneToOneField(Place, models.CASCADE, primary_key=True)
        beds = models.IntegerField()
        kind = models.ForeignKey(ContentType, models.CASCADE)
        number = models.IntegerField()
        thing = GenericForeignKey("kind", "number")

        class Meta:
            app_label = "shop"

    assert codes(make_grid(["thing"], model=Inn)) == ["E101"]
    assert codes(make_grid(["inn"], model=Place)) == ["E101"]
    beds = make_grid(["beds"], model=Place, attributes={"beds": IntegerColumn("inn__beds")}).columns()["beds"]
    assert (beds.nullable, beds.own) == (True, False)
    assert make_grid(["place"], model=Inn).columns()["place"].path == "place__id"
    assert make_grid(["place"], model=Inn).declaration().key.path == "place__id"


@isolate_apps("tests.shop")
def test_primary_key_of_several_fields_is_a_fault() -> None:
    class Leg(models.Model):  # noqa: DJ008 - lives for one test
        pk = models.CompositePrimaryKey("flight", "number")
        flight = models.IntegerField()
        number = models.IntegerField()

        class Meta:
            app_label = "shop"

    assert codes(make_grid(["flight"], model=Leg)) == ["E103"]


def test_grid_over_foreign_models_of_other_apps_needs_nothing_special() -> None:
    grid = make_grid(["codename", "content_type__app_label"], model=Permission)
    assert [column.type for column in grid.columns().values()] == ["text", "text"]
    assert make_grid(["id"], model=ExportJob).declaration().key.type == "uuid"


def test_page_size_is_judged_by_the_settings_at_hand() -> None:
    with override_settings(GRIDKIT={"PAGE_SIZE_MAX": 10}):
        assert codes(make_grid(["id"], page_size=11)) == ["E108"]


def test_grid_may_narrow_its_rows() -> None:
    assert GridBase.get_queryset.__doc__
    assert ProductGrid.get_queryset().model is Product


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (lambda: Product.objects.all()[:5], "sliced"),
        (lambda: Product.objects.all().union(Product.objects.all()), "combined"),
        (lambda: Product.objects.values("sku"), "values"),
        (lambda: Product.objects.prefetch_related("orders"), "prefetch_related"),
    ],
)
def test_rows_that_the_engine_cannot_work_on_are_a_fault(rows: Any, what: str) -> None:
    class Odd(Grid):
        class Meta:
            model = Product
            id = "odd"
            columns = ["sku"]

        @classmethod
        def get_queryset(cls) -> Any:
            return rows()

    (fault,) = Odd.faults()
    assert fault.code == "E111"
    assert what in fault.detail
