"""Sheets, totals, outlines, conditional styles and links of a workbook, as LibreOffice opens them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gridkit_django.exports import ExportColumn, ExportFigure, ExportGroup
from gridkit_django.grids import CellStyle, NumberFormat
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.periods import Period
from gridkit_plugins.export.exporters.xlsx import XlsxExporter
from tests.official.segments import in_segments, sheet_of
from tests.servers.office import Page, open_in_office

CARRIER = ExportColumn("carrier", "Carrier", "text")
DAY = ExportColumn("day", "Day", "date")
SITE = ExportColumn("site", "Site", "text", link=True)
PRICE = ExportColumn(
    "price",
    "Price",
    "decimal",
    format=NumberFormat(decimals=2, suffix=" €"),
    styles=(CellStyle("gt", Decimal(4), tone="bad"),),
)
FLIGHTS: list[list[Any]] = [
    ["AA", date(2026, 1, 1), Decimal("1.10")],
    ["AA", date(2026, 1, 31), Decimal("2.20")],
    ["AA", date(2026, 2, 1), None],
    ["BB", date(2026, 2, 1), Decimal(5)],
    [None, None, Decimal(7)],
]


class SmallSheets(XlsxExporter):
    """Has a new sheet after a few rows."""

    sheet_rows = 5


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Page]]:
    """What LibreOffice, started once, sees in each workbook."""
    figures = (ExportFigure(2, Fn.SUM),)
    groups = (ExportGroup(0), ExportGroup(1, Period.MONTH))
    sites = [[f"n{number}", f"https://a.example/{number}?a=1&b=2", Decimal(number)] for number in range(7)]
    files = {
        "grouped.xlsx": in_segments(
            XlsxExporter, sheet_of(CARRIER, DAY, PRICE, figures=figures, groups=groups), FLIGHTS, (2, 1)
        ),
        "sheets.xlsx": in_segments(SmallSheets, sheet_of(CARRIER, SITE, PRICE, figures=figures), sites, (3, 2)),
        "empty.xlsx": in_segments(XlsxExporter, sheet_of(CARRIER, DAY), []),
    }
    found = open_in_office(tmp_path_factory.mktemp("office"), files)
    assert list(found) == list(files)
    return found


def test_groups_are_an_outline_whose_figures_libreoffice_works_out_alike(seen: dict[str, list[Page]]) -> None:
    (page,) = seen["grouped.xlsx"]

    assert page.values == [
        ["Carrier", "Day", "Price"],
        ["AA", date(2026, 1, 1), 1.1],
        ["AA", date(2026, 1, 31), 2.2],
        ["2026-01 (2)", None, 3.3],
        ["AA", date(2026, 2, 1)],
        ["2026-02 (1)"],
        ["AA (3)", None, 3.3],
        ["BB", date(2026, 2, 1), 5.0],
        ["2026-02 (1)", None, 5.0],
        ["BB (1)", None, 5.0],
        [None, None, 7.0],
        ["(empty) (1)", None, 7.0],
        ["(empty) (1)", None, 7.0],
        ["Total", None, 15.3],
    ]
    assert page.levels == [0, 2, 2, 1, 2, 1, 0, 2, 1, 0, 2, 1, 0, 0]
    assert page.rows[-1][2].formula == "of:=SUBTOTAL(109;[.C2:.C13])"


def test_conditional_styles_are_rules_on_the_cells_of_rows(seen: dict[str, list[Page]]) -> None:
    (page,) = seen["grouped.xlsx"]

    (rule,) = page.rules
    assert rule[0].replace("Products.", "") == "C2:C3 C5:C5 C8:C8 C11:C11", "no figure among them"
    assert rule[1] == "formula-is(AND(ISNUMBER([.$C2]);[.$C2]>4))"


def test_sheets_follow_each_other_and_the_total_covers_all(seen: dict[str, list[Page]]) -> None:
    pages = seen["sheets.xlsx"]

    assert [(page.name, page.headings) for page in pages] == [("Products", 1), ("Products (2)", 1), ("Products (3)", 1)]
    rows = [row for page in pages for row in page.rows[1:]][:-1]
    assert [row[0].value for row in rows] == [f"n{number}" for number in range(7)]
    assert [row[1].link for row in rows] == [f"https://a.example/{number}?a=1&b=2" for number in range(7)]
    assert pages[-1].values[-1] == ["Total", None, 21.0]
    assert pages[-1].rows[-1][2].formula.startswith("of:=SUBTOTAL(109;")


def test_a_workbook_without_rows_has_its_headings(seen: dict[str, list[Page]]) -> None:
    (page,) = seen["empty.xlsx"]

    assert page.values == [["Carrier", "Day"]]
