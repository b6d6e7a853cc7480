"""Columns: what they accept from a filter, what they put on the wire, and what a cursor keeps of a value."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings

from gridkit_django.exceptions import FilterValueError
from gridkit_django.grids.columns import Column, DateTimeColumn, DecimalColumn, IntegerColumn, TextColumn
from gridkit_django.grids.columns.frame import Frame
from tests.grids.shop import ProductGrid

NEW_YORK = ZoneInfo("America/New_York")
HALF_PAST_FIVE = timezone(timedelta(hours=5, minutes=30))
TOKEN = UUID("0b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d")


def column(name: str) -> Column:
    return ProductGrid.columns()[name]


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("name", "Straße", "Straße"),
        ("name", "", ""),
        ("stock", 12, 12),
        ("stock", "-12", -12),
        ("stock", 2**63 - 1, 2**63 - 1),
        ("price", "10.10", Decimal("10.10")),
        ("price", 9.995, Decimal("9.995")),
        ("price", 3, Decimal(3)),
        ("price", "1e3", Decimal(1000)),
        ("rating", 1, 1.0),
        ("rating", "-.5", -0.5),
        ("active", True, True),
        ("category", "toy", "toy"),
        ("token", str(TOKEN), TOKEN),
        ("released", "2024-02-29", date(2024, 2, 29)),
        ("opens", "09:30", time(9, 30)),
        ("opens", "09:30:15.000001", time(9, 30, 15, 1)),
        ("restocked", "2024-03-10", date(2024, 3, 10)),
        ("restocked", "2024-03-10T12:00:00Z", datetime(2024, 3, 10, 12, tzinfo=UTC)),
        ("restocked", "2024-03-10T12:00:00+05:30", datetime(2024, 3, 10, 12, tzinfo=HALF_PAST_FIVE)),
    ],
)
def test_filter_value_that_fits_is_cleaned_to_its_python_value(name: str, raw: Any, value: Any) -> None:
    cleaned = column(name).clean(raw)
    assert cleaned == value
    assert type(cleaned) is type(value)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("name", 1),
        ("name", "a\x00b"),
        ("name", "\ud800"),
        ("stock", True),
        ("stock", 1.5),
        ("stock", "1.5"),
        ("stock", "١٢"),
        ("stock", 2**63),
        ("stock", "9" * 30),
        ("price", "1_000"),
        ("price", "NaN"),
        ("price", "Infinity"),
        ("price", True),
        ("price", "1e99"),
        ("price", "0." + "1" * 31),
        ("price", "1" * 101),
        ("price", 10**100),
        ("price", [1]),
        ("rating", "inf"),
        ("rating", "1e999"),
        ("rating", None),
        ("active", 1),
        ("active", "true"),
        ("category", "boat"),
        ("category", 1),
        ("token", "no"),
        ("token", 7),
        ("released", "2024-02-30"),
        ("released", "20240229"),
        ("released", "2024-02-29T00:00:00"),
        ("released", 2024),
        ("opens", "12"),
        ("opens", "12:99"),
        ("opens", "12:00+01:00"),
        ("opens", 12),
        ("restocked", "yesterday"),
        ("restocked", "2024-02-30"),
        ("restocked", "0001-01-01T00:00:00Z"),
        ("restocked", "9999-12-31"),
        ("restocked", 5),
        ("attributes", {}),
    ],
)
def test_filter_value_that_does_not_fit_is_refused_and_never_echoed(name: str, raw: Any) -> None:
    with pytest.raises(FilterValueError, match=f"column '{name}': expected"):
        column(name).clean(raw)


@pytest.mark.parametrize(
    ("name", "value", "wire"),
    [
        ("name", "Straße", "Straße"),
        ("stock", 5, 5),
        ("price", Decimal("10.10"), "10.10"),
        ("price", Decimal("1E+3"), "1000"),
        ("rating", 0.1, 0.1),
        ("rating", float("nan"), "nan"),
        ("rating", float("-inf"), "-inf"),
        ("active", False, False),
        ("category", "toy", "toy"),
        ("token", TOKEN, str(TOKEN)),
        ("released", date(2024, 2, 29), "2024-02-29"),
        ("opens", time(9, 30), "09:30:00"),
        ("restocked", datetime(2024, 7, 1, 12, tzinfo=UTC), "2024-07-01T08:00:00-04:00"),
        ("restocked", datetime(2024, 7, 1, 12), "2024-07-01T12:00:00"),  # noqa: DTZ001 - USE_TZ may be off
        ("attributes", {"a": [1, None]}, {"a": [1, None]}),
        ("restocked", None, None),
    ],
)
def test_value_goes_onto_the_wire_exactly(name: str, value: Any, wire: Any) -> None:
    assert column(name).to_wire(value, NEW_YORK) == wire
    assert list(column(name).to_wires([value, None], NEW_YORK)) == [wire, None]
    json.dumps(wire, allow_nan=False)


@pytest.mark.parametrize("kind", [IntegerColumn, DecimalColumn, TextColumn, DateTimeColumn])
@pytest.mark.parametrize("method", ["to_wire", "_wire"])
def test_column_with_a_wire_form_of_its_own_writes_many_values_in_it(kind: type[Column], method: str) -> None:
    own = type("Own", (kind,), {method: lambda _self, _value, _zone: "own"})
    assert list(own().to_wires([1, 2], NEW_YORK)) == ["own", "own"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "a\x00 text that a filter may not name"),
        ("stock", -1),
        ("price", Decimal("0." + "1" * 40)),
        ("rating", 0.1 + 0.2),
        ("rating", float("inf")),
        ("active", True),
        ("category", "a value that left the list"),
        ("token", TOKEN),
        ("released", date(1, 1, 1)),
        ("opens", time(23, 59, 59, 999999)),
        ("restocked", datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        ("restocked", None),
        ("price", None),
        ("stock", None),
    ],
)
def test_cursor_gives_back_the_exact_sort_key(name: str, value: Any) -> None:
    kept = json.loads(json.dumps(column(name).to_cursor(value)))
    assert column(name).from_cursor(kept) == value


def test_cleaned_text_is_quoted_back_only_by_the_columns_name() -> None:
    with pytest.raises(FilterValueError) as refusal:
        column("category").clean("secret text")
    assert "secret" not in refusal.value.detail


def test_point_without_an_offset_is_local_to_the_zone() -> None:
    cleaned = column("restocked").clean("2024-07-01T12:00:00")
    assert column("restocked").operand(cleaned, Frame(NEW_YORK, "sqlite")) == datetime(2024, 7, 1, 16, tzinfo=UTC)


def test_point_is_naive_and_local_when_the_project_has_no_time_zones() -> None:
    cleaned = column("restocked").clean("2024-07-01T16:00:00Z")
    with override_settings(USE_TZ=False):
        operand = column("restocked").operand(cleaned, Frame(NEW_YORK, "sqlite"))
    assert operand == datetime(2024, 7, 1, 12)  # noqa: DTZ001 - that is the point


def test_editors_and_choices_follow_the_field() -> None:
    columns = ProductGrid.columns()
    editors = {name: columns[name].editor for name in columns}
    assert editors["name"] == "text"
    assert editors["description"] == "textarea"
    assert editors["category"] == "select"
    assert editors["token"] == "text"
    assert editors["restocked"] == "datetime"
    assert columns["category"].choices == (("book", "Book"), ("toy", "Toy"), ("tool", "Tool"))
    assert columns["name"].choices is None


def test_repr_names_the_column() -> None:
    assert repr(column("price")) == "<DecimalColumn 'price'>"
    assert repr(ProductGrid._declared["price"]) == "<DecimalColumn ''>"


def test_base_column_cleans_nothing() -> None:
    with pytest.raises(NotImplementedError):
        Column("x").clean(1)
