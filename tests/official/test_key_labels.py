"""Labels of keys in files: what the other grid shows to the same person, the same in every way, in every format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gridkit_django.exports import ExportFigure, ExportGroup
from gridkit_django.exports.rows import RowSource
from gridkit_django.exports.sheets import make_sheet
from gridkit_django.exports.source.keylabels import KeyName
from gridkit_django.exports.subtotals import plain, runs, unplain
from gridkit_django.grids import CellStyle, Grid, GridAccess, IntegerColumn, TextColumn, grid_registry
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.query import GridQuery
from gridkit_django.models import ExportJob
from gridkit_django.typing import JSONValue
from gridkit_plugins.export.exporters.csv import CsvExporter
from gridkit_plugins.export.exporters.json import JsonExporter
from gridkit_plugins.export.exporters.xlsx import XlsxExporter
from tests.official.ways import same, sheet_of, ways
from tests.shop.models import Customer, Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

NAMES = {"=Al": "NL", "Bo": "NL", "Cy": "FR", "": "NL"}


class Customers(Grid):
    class Meta:
        model = Customer
        id = "named-customers"
        columns = ["name", "country"]
        row_permission = staticmethod(lambda rows, user: rows.filter(country="NL"))


class Secret(TextColumn):
    """A text whose first letter only is shown."""

    def _wire(self, value: Any, zone: Any) -> JSONValue:
        return value[:1] + "…"


class SecretProducts(Grid):
    sku = Secret()

    class Meta:
        model = Product
        id = "named-products"
        columns = ["sku"]


class Orders(Grid):
    customer = IntegerColumn(
        lookup="named-customers", styles=[CellStyle("eq", 1, tone="good"), CellStyle("gt", 5, tone="bad")]
    )
    product = IntegerColumn(lookup="named-products")

    class Meta:
        model = Order
        id = "named-orders"
        columns = ["customer", "product", "quantity"]
        default_sort = ["quantity"]


GRIDS = (Customers, SecretProducts, Orders)


@pytest.fixture(autouse=True)
def grids(db: None) -> Iterator[None]:
    for grid in GRIDS:
        grid_registry().register(grid)
    yield
    for grid in GRIDS:
        grid_registry().unregister(grid.options.id)


@pytest.fixture(autouse=True)
def orders(grids: None) -> list[Order]:
    """One order of each customer; Cy's grid does not show Cy, and one customer has no name."""
    product = Product.objects.create(sku="HAMMER", name="Hammer", price=1)
    placed = datetime(2026, 1, 1, tzinfo=UTC)
    made = []
    for number, (name, land) in enumerate(NAMES.items(), 1):
        customer = Customer.objects.create(pk=number, name=name, email=f"{number}@x.example", country=land)
        made.append(Order.objects.create(customer=customer, product=product, quantity=number, placed=placed))
    return made


@pytest.fixture
def ann(db: None) -> User:
    user = User.objects.create(username="ann")
    user.user_permissions.add(Permission.objects.get(codename="open_grid"))
    return User.objects.get(pk=user.pk)


def source_of(user: User, **query: Any) -> RowSource:
    return RowSource(GridAccess(Orders, user), GridQuery.from_dict(query), labels=True)


def test_keys_are_labelled_and_guarded_the_same_in_every_way(ann: User) -> None:
    columns = ["customer", "quantity"]
    for guard, expected in ((True, "'=Al"), (False, "=Al")):
        file = same(ways(Orders, CsvExporter, 3, user=ann, columns=columns, values="label", guard=guard))

        rows = list(csv.reader(io.StringIO(file.decode(), newline="")))
        assert rows[1:] == [[expected, "1"], ["Bo", "2"], ["3", "3"], ["4", "4"]]
    for large in ("number", "text"):
        array = same(ways(Orders, JsonExporter, 3, user=ann, columns=columns, values="label", largeIntegers=large))
        assert [row["customer"] for row in json.loads(array)] == ["=Al", "Bo", 3, 4]


def test_a_single_labelled_column_and_keys_as_stored_are_the_same_in_every_way(ann: User) -> None:
    alone = same(ways(Orders, CsvExporter, 3, user=ann, columns=["customer"], values="label"))
    raw = same(ways(Orders, CsvExporter, 3, user=ann, columns=["customer", "quantity"]))

    assert alone == b"customer\r\n'=Al\r\nBo\r\n3\r\n4\r\n"
    assert raw.split(b"\r\n")[1] == b"1,1"


def test_who_may_not_open_the_other_grid_gets_keys(orders: list[Order]) -> None:
    nobody = User.objects.create(username="nobody")
    source = source_of(nobody)

    assert source.named == {}
    assert [row[0] for chunk in source.take() for row in chunk] == [1, 2, 3, 4]


def test_labels_come_with_the_rows_and_those_that_python_writes_by_one_question_a_list(ann: User) -> None:
    beside, asked_for = source_of(ann, columns=["customer"]), source_of(ann, columns=["product"])
    assert beside.count_up_to(10) == asked_for.count_up_to(10) == 4
    with CaptureQueriesContext(connection) as one:
        assert [row for chunk in beside.take() for row in chunk] == [("=Al",), ("Bo",), (3,), (4,)]
    with CaptureQueriesContext(connection) as more:
        assert [row for chunk in asked_for.take(chunk=2) for row in chunk] == [("H…",)] * 4

    assert len(more) == len(one) + 2
    assert [source.named["product"].in_sql for source in (asked_for,)] == [False]


@pytest.mark.postgres_only
def test_labels_that_python_writes_keep_the_database_from_writing(ann: User) -> None:
    source = source_of(ann, columns=["product"])

    assert "labels of keys" in source.why_not_copied(CsvExporter.shape(sheet_of(source)))


def test_what_is_told_of_labels_changes_with_the_rows_that_the_other_grid_shows(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = source_of(ann).named["customer"].facts
    monkeypatch.setattr(
        Customers, "options", replace(Customers.options, row_permission=lambda rows, user: rows.filter(country="FR"))
    )

    assert source_of(ann).named["customer"].facts != before
    monkeypatch.setattr(Customers, "options", replace(Customers.options, row_permission=lambda rows, user: rows.none()))
    assert source_of(ann).named["customer"].facts == ["customer"]


def sheet_and_rows(user: User, **query: Any) -> tuple[Any, list[Any]]:
    access = GridAccess(Orders, user)
    source = source_of(user, **query)
    job = ExportJob(owner=user, options={}, query=query)
    sheet = make_sheet(job, access, source, 4, people=True)
    return sheet, [row for chunk in source.take() for row in chunk]


def test_excel_shows_labels_with_the_styles_of_their_keys(ann: User) -> None:
    sheet, rows = sheet_and_rows(ann)

    assert [(style.op, style.value) for style in sheet.columns[0].styles] == [("eq", "=Al")]
    stream = io.BytesIO()
    exporter = XlsxExporter()
    exporter.begin(stream, sheet)
    exporter.write(rows)
    exporter.finish()
    page = openpyxl.load_workbook(io.BytesIO(stream.getvalue())).active
    assert [cell.value for cell in page["A"]][1:5] == ["=Al", "Bo", 3, 4]
    assert page["A2"].data_type == "s"


def test_rows_of_two_keys_with_one_label_are_two_groups(ann: User) -> None:
    Customer.objects.update(name="Same")
    figures = [{"col": "customer", "fn": "sum"}, {"col": "quantity", "fn": "sum"}]
    sheet, rows = sheet_and_rows(ann, group=[{"col": "customer"}], sort=[{"col": "customer"}], aggregates=figures)

    assert sheet.figures == (ExportFigure(2, Fn.SUM),), "labels have no sum"
    assert sheet.groups == (ExportGroup(0),)
    found = [(keys[0], start, end) for keys, start, end in runs(sheet, rows)]
    assert found == [(KeyName("Same", 1), 0, 1), (KeyName("Same", 2), 1, 2), (3, 2, 3), (KeyName("Same", 4), 3, 4)]
    kept = unplain(json.loads(json.dumps(plain(rows[1][0]))))
    assert (kept, kept == rows[0][0], kept == "Same") == (rows[1][0], False, True)
