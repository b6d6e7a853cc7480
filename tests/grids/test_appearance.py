"""Formats and styles of columns: judged at declaration, told in the schema, and on the rows that meet them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from gridkit_django.grids import (
    BooleanColumn,
    CellStyle,
    ChoiceColumn,
    Column,
    DateColumn,
    DateFormat,
    DateTimeColumn,
    DecimalColumn,
    FloatColumn,
    Grid,
    GridAccess,
    IntegerColumn,
    NumberFormat,
    TextColumn,
    TimeColumn,
    UUIDColumn,
)
from gridkit_django.grids.columns import ValueFormat
from gridkit_django.grids.columns.styles import plain_value
from gridkit_django.grids.schema import grid_schema
from tests.grids.shop import ADMIN, ask, found, make_products
from tests.shop.models import Product

LATE = datetime(2024, 3, 2, 3, 30, tzinfo=UTC)
"""The evening of 1 March in New York."""


def shop_grid(**columns: Column) -> type[Grid]:
    """Make a grid of products with these columns, and the article number."""
    options = {
        "model": Product,
        "id": "styled",
        "columns": ["sku", *columns],
        "time_zone": "America/New_York",
        "default_sort": ["sku"],
    }
    return type("StyledGrid", (Grid,), {"Meta": type("Meta", (), options), **columns})


CONDITIONS: list[tuple[type[Column], str, str, Sequence[Any]]] = [
    (TextColumn, "name", "eq", ["ÄPFEL"]),
    (TextColumn, "name", "ne", ["Äpfel"]),
    (TextColumn, "name", "contains", ["pf"]),
    (TextColumn, "name", "ncontains", ["pf"]),
    (TextColumn, "name", "starts", ["äp"]),
    (TextColumn, "name", "ends", ["EL"]),
    (TextColumn, "description", "blank", []),
    (TextColumn, "description", "nblank", []),
    (TextColumn, "description", "in", [["x", None]]),
    (ChoiceColumn, "category", "in", [["toy", "tool"]]),
    (ChoiceColumn, "category", "ne", ["toy"]),
    (IntegerColumn, "stock", "lt", [2]),
    (IntegerColumn, "stock", "between", [1, 2]),
    (DecimalColumn, "price", "gte", [Decimal("2.50")]),
    (DecimalColumn, "discount", "lte", [Decimal("0.5")]),
    (FloatColumn, "rating", "gt", [0.5]),
    (FloatColumn, "rating", "nin", [[0.5, None]]),
    (BooleanColumn, "active", "isTrue", []),
    (BooleanColumn, "active", "isFalse", []),
    (BooleanColumn, "active", "eq", [False]),
    (UUIDColumn, "token", "eq", [UUID(int=2)]),
    (DateColumn, "released", "gte", [date(2024, 3, 1)]),
    (DateColumn, "released", "relative", ["last7Days"]),
    (DateTimeColumn, "restocked", "eq", [date(2024, 3, 1)]),
    (DateTimeColumn, "restocked", "gt", [date(2024, 2, 29)]),
    (DateTimeColumn, "restocked", "lte", [LATE]),
    (DateTimeColumn, "restocked", "lt", ["2024-03-01T22:30:00"]),
    (DateTimeColumn, "restocked", "relative", ["last7Days"]),
    (TimeColumn, "opens", "lt", [time(9)]),
]


@pytest.fixture
def stored(db: None) -> None:
    """Products on both sides of every condition, and without values."""
    lately = datetime.now(UTC) - timedelta(days=2)
    make_products(
        [
            {"name": "Äpfel", "category": "toy", "description": "X", "discount": Decimal("0.50"), "rating": 0.5},
            {"name": "Birnen", "stock": 1, "price": Decimal("2.50"), "description": "", "rating": 0.75},
            {
                "name": "Stapfel",
                "stock": 2,
                "active": False,
                "description": "xy",
                "token": UUID(int=2),
                "opens": time(8, 59),
            },
            {"category": "tool", "stock": 3, "released": date(2024, 3, 1), "restocked": LATE, "opens": time(9)},
            {"released": date(2024, 2, 29), "restocked": datetime(2024, 3, 1, 4, 59, tzinfo=UTC)},
            {"released": lately.date(), "restocked": lately, "discount": Decimal("0.51")},
        ]
    )


@pytest.mark.both_databases
def test_a_style_fits_just_the_rows_that_the_same_filter_finds(stored: None) -> None:
    for kind, name, op, operands in CONDITIONS:
        grid = shop_grid(**{name: kind(styles=[CellStyle(op, *operands, tone="bad", bold=True)])})
        page = ask(grid)

        styled = [row.data["sku"] for row in page.rows if row.styles == {name: "tone-bad is-bold"}]
        plain = [row.data["sku"] for row in page.rows if row.styles is None]
        expected = found(grid, name, op, *map(plain_value, operands))
        assert styled == expected, (name, op, operands)
        assert 0 < len(styled) < len(page.rows), (name, op, operands)
        assert sorted(styled + plain) == [f"P{index:03}" for index in range(6)]


@pytest.mark.django_db
def test_the_first_style_that_fits_counts_and_stands_beside_the_row() -> None:
    make_products([{"stock": 0}, {"stock": 5}, {"stock": 50}])
    styles = [CellStyle("eq", 0, tone="bad"), CellStyle("lt", 10, tone="warn", italic=True)]
    rows = [row.to_dict() for row in ask(shop_grid(stock=IntegerColumn(styles=styles))).rows]

    assert [row.get("s") for row in rows] == [{"stock": "tone-bad"}, {"stock": "tone-warn is-italic"}, None]
    assert "s" not in rows[2]


@pytest.mark.django_db
def test_what_is_no_number_has_no_order() -> None:
    style = CellStyle("lt", 10, tone="bad")
    column = shop_grid(rating=FloatColumn(styles=[style])).columns()["rating"]
    make_products([{"rating": float("inf")}, {"rating": -1.0}])

    assert column.styles == (style,)
    page = ask(shop_grid(rating=FloatColumn(styles=[style])))
    assert [row.styles for row in page.rows] == [None, {"rating": "tone-bad"}]


@pytest.mark.django_db
def test_nothing_of_a_hidden_column_is_told_by_its_style() -> None:
    make_products([{"price": Decimal(1)}])
    styled = DecimalColumn(permission="shop.view_price", styles=[CellStyle("lt", 10, tone="bad")])
    grid = shop_grid(price=styled)

    assert [row.styles for row in ask(grid).rows] == [{"price": "tone-bad"}]
    clerk = User.objects.create(username="clerk")
    assert "s" not in ask(grid, clerk).rows[0].to_dict()


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (NumberFormat(), {"useGrouping": "min2", "prefix": "", "suffix": ""}),
        (
            NumberFormat(decimals=2, grouping=True, prefix="$", suffix=" net"),
            {
                "useGrouping": "always",
                "minimumFractionDigits": 2,
                "maximumFractionDigits": 2,
                "prefix": "$",
                "suffix": " net",
            },
        ),
        (
            NumberFormat(grouping=False, percent=True),
            {
                "useGrouping": False,
                "minimumFractionDigits": 0,
                "maximumFractionDigits": 20,
                "style": "percent",
                "prefix": "",
                "suffix": "",
            },
        ),
        (DateFormat(), {"dateStyle": "medium", "timeStyle": "short"}),
        (DateFormat("long", None), {"dateStyle": "long"}),
    ],
)
@pytest.mark.django_db
def test_the_schema_tells_formats_in_the_words_of_the_browser(made: ValueFormat, told: dict[str, Any]) -> None:
    column = {"price": DecimalColumn(format=made)} if isinstance(made, NumberFormat) else {}
    column = column or {"restocked": DateTimeColumn(format=made)}
    (_sku, shape) = grid_schema(GridAccess(shop_grid(**column), ADMIN))["columns"]  # type: ignore[misc]

    assert shape["format"] == told  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (TextColumn(format=NumberFormat()), "for integer, decimal, float"),
        (TextColumn(format=DateFormat()), "for date, datetime"),
        (TextColumn(styles=[CellStyle("lt", "a", tone="bad")]), "operator 'lt'"),
        (TextColumn(styles=[CellStyle("filter", "a", tone="bad")]), "operator 'filter'"),
        (TextColumn(styles=[CellStyle("eq", "a", tone="loud")]), "tone 'loud'"),
        (TextColumn(styles=[CellStyle("eq", "a")]), "neither bold nor italic"),
        (TextColumn(styles=[CellStyle("eq", 1, tone="bad")]), "does not fit"),
        (TextColumn(styles=[CellStyle("in", "abc", tone="bad")]), "takes a list"),
    ],
)
def test_a_format_or_style_that_does_not_fit_is_a_fault(column: Column, text: str) -> None:
    (fault,) = shop_grid(name=column).faults()
    assert fault.code == "E114"
    assert text in fault.detail


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (NumberFormat(decimals=21), "0 to 20"),
        (NumberFormat(suffix="x" * 21), "20 characters"),
        (DateFormat("tiny"), "'tiny'"),  # type: ignore[arg-type]
        (DateFormat("short", "long"), "'long'"),  # type: ignore[arg-type]
    ],
)
def test_a_format_knows_its_own_faults(column: ValueFormat, text: str) -> None:
    assert text in column.fault()
