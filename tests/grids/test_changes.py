"""Values of an edit, type by type: what is stored, what is answered, what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from gridkit_django.exceptions import EditInvalidError
from tests.grids.edits import OrderEditGrid, ProductEditGrid, edit, order, product
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


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


@pytest.mark.parametrize("raw", [2**31, -(2**31) - 1, 99_999_999_999])
def test_number_beyond_the_room_of_its_field_is_refused_on_every_database(raw: int) -> None:
    row = product(stock=3)

    with pytest.raises(EditInvalidError, match="do not fit") as caught:
        edit(ProductEditGrid, row, stock=raw)

    row.refresh_from_db()
    assert row.stock == 3
    (fault,) = caught.value.errors
    assert (fault.pointer, "2147483647" in fault.detail) == ("/changes/stock", True)


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


def test_number_at_the_edge_of_its_fields_room_is_stored() -> None:
    assert edit(ProductEditGrid, product(), stock=2**31 - 1).row.data["stock"] == 2**31 - 1


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
