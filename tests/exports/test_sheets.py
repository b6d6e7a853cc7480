"""What an exporter is told of a file: the question's groups and figures, the columns' looks, the asker's language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from gridkit_django.exports import ExportFigure, ExportGroup, run_export
from gridkit_django.exports.sheets import grouped
from gridkit_django.grids import (
    CellStyle,
    ChoiceColumn,
    DecimalColumn,
    Grid,
    NumberFormat,
    grid_registry,
    open_grid,
)
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.periods import Period
from gridkit_django.grids.query import GridQuery
from gridkit_django.models import JobState
from tests.exports.shop import ExportGrid, Recorder, ask, products
from tests.shop.models import Product

pytestmark = pytest.mark.django_db

PRICE = NumberFormat(decimals=1)


class StyledGrid(Grid):
    """Columns with looks, one of which takes a permission."""

    price = DecimalColumn(permission="shop.view_price", format=PRICE, styles=[CellStyle("lt", 1, tone="bad")])
    category = ChoiceColumn(
        width=90, styles=[CellStyle("eq", "toy", tone="good"), CellStyle("in", ["tool"], bold=True)]
    )

    class Meta:
        model = Product
        id = "export-styled"
        columns = ["sku", "price", "category", "released", "stock"]


class People(Recorder):
    """A format for people."""

    for_people = True
    chunk_rows = 100
    options_schema = {"formatting": {"type": "boolean"}}


@pytest.fixture(autouse=True)
def styled(registry: Any) -> Iterator[None]:
    grid_registry().register(StyledGrid)
    registry.register("people", People, owner="tests")
    yield
    grid_registry().unregister("export-styled")


def told(user: User, **asked: Any) -> Any:
    """Run an export and return the sheet that the format was told."""
    job = ask(user, "people", grid="export-styled", **asked)
    run_export(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FINISHED, job.error_detail
    return People.seen[0]


def test_people_are_told_formats_styles_widths_and_figures(ann: User) -> None:
    products(2)
    sheet = told(
        ann,
        columns=["sku", "price", "category"],
        group=[{"col": "released", "by": "month"}, "category"],
        aggregates=[{"fn": "count"}, {"col": "price", "fn": "sum"}, {"col": "price", "fn": "max", "as": "most"},
                    {"col": "sku", "fn": "countDistinct"}],
    )  # fmt: skip

    assert [column.id for column in sheet.columns] == ["released", "sku", "price", "category"]
    assert sheet.groups == (ExportGroup(0, Period.MONTH), ExportGroup(3))
    assert sheet.figures == (ExportFigure(2, Fn.SUM),)
    _released, _sku, price, category = sheet.columns
    assert (price.format, price.decimals, price.align) == (PRICE, 2, "end")
    assert (category.width, category.align) == (90, "start")
    assert [style.value for style in category.styles] == ["Toy", ("Tool",)]
    find = category.style_finder(sheet.time_zone)
    assert [found and found.css for found in map(find, ["Toy", "toy", "Tool", None])] == [
        "tone-good", None, "is-bold", None,
    ]  # fmt: skip


def test_raw_files_are_told_no_looks(ann: User) -> None:
    sheet = told(ann, options={"formatting": False}, group=["category"], aggregates=[{"col": "price", "fn": "sum"}])

    assert (sheet.groups, sheet.figures) == ((), ())
    price = next(column for column in sheet.columns if column.id == "price")
    assert (price.format, price.styles, price.decimals, price.style_finder(sheet.time_zone)) == (None, (), 2, None)


def test_a_file_is_in_the_language_of_who_asked_whatever_the_workers_is(ann: User) -> None:
    with translation.override("de"):
        job = ask(ann, "people", grid="export-styled")
    run_export(job.pk)

    assert People.seen[0].language == "de"
    assert translation.get_language() != "de"


def test_rows_come_in_the_order_of_their_groups_before_any_other(ann: User) -> None:
    access = open_grid(ExportGrid.options.id, ann)
    query = GridQuery.from_dict(
        {"group": ["category", "stock"], "sort": [{"col": "name", "dir": "asc"}, {"col": "stock", "dir": "desc"}]}
    )
    found = grouped(access, query)

    assert [(term.col, term.direction) for term in found.sort] == [
        ("category", "asc"),
        ("stock", "desc"),
        ("name", "asc"),
    ]
    assert found.columns == tuple(access.by_id)
    assert grouped(access, GridQuery()).sort == ()
