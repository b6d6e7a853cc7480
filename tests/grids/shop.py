"""The grids of the query tests and small ways to ask them. They are not registered: tests open them directly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from gridkit_django.grids import Grid, GridAccess, TextColumn
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.columns import DecimalColumn
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import RowsPage
from tests.shop.models import Customer, Order, Product

ADMIN = User(username="admin", is_superuser=True)
CLERK = User(username="clerk")
"""Holds no permission at all. Both are unsaved: nothing here needs their rows."""


class ProductGrid(Grid):
    """Every type of column; the price needs a permission."""

    price = DecimalColumn(permission="shop.view_price", editable=True)

    class Meta:
        model = Product
        id = "query-products"
        columns = [
            "sku",
            "name",
            "category",
            "price",
            "stock",
            "active",
            "token",
            "attributes",
            "description",
            "rating",
            "released",
            "restocked",
            "opens",
            "discount",
        ]
        default_sort = ["-price", "name"]
        search = ["name", "description", "category", "stock", "price", "released", "token"]
        time_zone = "America/New_York"


class OrderGrid(Grid):
    """Foreign keys: a required one, an optional one, labels through both; the e-mail address is hidden from clerks."""

    customer_name = TextColumn("customer__name")
    email = TextColumn("customer__email", permission=lambda user: user.is_superuser)
    referrer_name = TextColumn("referrer__name")

    class Meta:
        model = Order
        id = "query-orders"
        columns = [
            "id",
            "customer",
            "customer_name",
            "email",
            "product",
            "referrer",
            "referrer_name",
            "quantity",
            "state",
            "note",
            "placed",
        ]
        search = ["customer_name", "email", "note"]


def ask(grid: type[Grid], user: User = ADMIN, **query: Any) -> RowsPage:
    """Ask a grid in the words of the wire protocol."""
    return fetch_rows(GridAccess(grid, user), GridQuery.from_dict(query))


def values(page: RowsPage, column: str) -> list[Any]:
    """The values of one column, row by row."""
    return [row.data[column] for row in page.rows]


def found(grid: type[Grid], column: str, op: str, *operands: Any, show: str = "sku", **more: Any) -> list[Any]:
    """What one condition finds, in the order of the primary key.

    Operands are the value and, for ``between``, the upper end.
    """
    condition = {"col": column, "op": op, **dict(zip(("value", "to"), operands, strict=False)), **more}
    page = ask(grid, filter=condition, sort=[{"col": "id" if "id" in grid.columns() else "sku"}])
    return values(page, show)


def make_products(rows: Sequence[dict[str, Any]]) -> list[Product]:
    """Store products; what a row does not say is the same for all."""
    made = [
        Product(**{"sku": f"P{index:03}", "name": f"product {index}", "price": Decimal("1.00"), **row})
        for index, row in enumerate(rows)
    ]
    return Product.objects.bulk_create(made)


def make_orders(count: int) -> None:
    """Store orders of two customers, every other one with a referrer, notes that differ."""
    ann, bob = (
        Customer.objects.create(name=name, email=f"{name.lower()}@secret.example", country="NL")
        for name in ("Ann", "Bob")
    )
    (product,) = make_products([{"sku": "ONLY"}])
    Order.objects.bulk_create(
        Order(
            customer=ann if index % 3 else bob,
            product=product,
            referrer=bob if index % 2 else None,
            quantity=index,
            note=f"note {index}",
            placed=datetime(2024, 1, 1, tzinfo=UTC),
        )
        for index in range(count)
    )
