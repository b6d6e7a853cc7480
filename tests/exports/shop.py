"""The grid, the people and the exporter of the export tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, BinaryIO, ClassVar
from uuid import UUID

from django.contrib.auth.models import Permission, User

from gridkit_django.exports import BaseExporter, ExportRequest, ExportSheet, request_export
from gridkit_django.grids import DecimalColumn, Grid, TextColumn, open_grid
from gridkit_django.grids.query import GridQuery
from gridkit_django.models import ExportJob
from tests.shop.models import Customer, Order, Product

GRID = "export-products"
ORDERS = "export-orders"


class ExportGrid(Grid):
    """Products; the price needs a permission."""

    price = DecimalColumn(permission="shop.view_price")

    class Meta:
        model = Product
        id = GRID
        label = "Products for export"
        columns = [
            "sku",
            "name",
            "category",
            "price",
            "stock",
            "active",
            "attributes",
            "released",
            "restocked",
            "opens",
        ]
        default_sort = ["-stock"]
        search = ["name", "price"]
        time_zone = "America/New_York"


class ExportOrderGrid(Grid):
    """Orders with labels through foreign keys; customers may see only some rows."""

    customer_name = TextColumn("customer__name")
    again = TextColumn("customer__name", label="The same once more")

    class Meta:
        model = Order
        id = ORDERS
        columns = ["id", "customer_name", "again", "quantity", "note"]
        row_permission = staticmethod(lambda rows, user: rows.filter(quantity__gt=1))


class Recorder(BaseExporter):
    """Writes one line per row and remembers what it was told; two rows a chunk."""

    format = "lines"
    label = "Lines"
    content_type = "text/plain"
    extension = "txt"
    chunk_rows = 2
    seen: ClassVar[list[Any]] = []

    def begin(self, stream: BinaryIO, sheet: ExportSheet) -> None:
        self.stream, self.sheet = stream, sheet
        self.seen.append(sheet)

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        self.seen.append([list(row) for row in rows])
        for row in rows:
            self.stream.write((repr(row) + "\n").encode())

    def finish(self) -> None:
        self.seen.append("finish")

    def abort(self) -> None:
        self.seen.append("abort")


def person(name: str = "ann", *rights: str) -> User:
    """Store a user who may open and export every grid, and has these rights more."""
    user = User.objects.create(username=name)
    wanted = ["gridkit_django.open_grid", "gridkit_django.export_grid", *rights]
    for right in wanted:
        app, codename = right.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return User.objects.get(pk=user.pk)


def products(count: int) -> list[Product]:
    """Store products of every type of value; the stock rises, so the default order is the reverse."""
    start = datetime(2024, 3, 1, 12, 30, 15, 250, tzinfo=UTC)
    return Product.objects.bulk_create(
        Product(
            sku=f"S{number:04}",
            name=f"=name {number}" if number % 5 == 0 else f"näme, {number}",
            category=("book", "toy", "tool")[number % 3],
            price=Decimal(number) / 4,
            stock=number,
            active=number % 2 == 0,
            token=UUID(int=number),
            attributes={"n": number},
            released=start.date() if number % 3 else None,
            restocked=start + timedelta(hours=number) if number % 4 else None,
        )
        for number in range(count)
    )


def orders(count: int) -> None:
    """Store orders of one customer, with quantities from 0 on."""
    customer = Customer.objects.create(name="Ann", email="ann@example.test")
    (product,) = products(1)
    placed = datetime(2024, 1, 1, tzinfo=UTC)
    Order.objects.bulk_create(
        Order(customer=customer, product=product, quantity=number, placed=placed) for number in range(count)
    )


def ask(user: User, name: str = "csv", *, grid: str = GRID, options: Any = None, **query: Any) -> ExportJob:
    """Ask for an export in the words of the wire protocol."""
    return request_export(open_grid(grid, user), ExportRequest(GridQuery.from_dict(query), name, options or {}))


def as_csv(data: bytes) -> list[list[str]]:
    """Read CSV."""
    return list(csv.reader(io.StringIO(data.decode(), newline="")))
