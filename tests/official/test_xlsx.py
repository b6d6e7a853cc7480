"""Excel workbooks, read back with openpyxl's reader."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from gridkit_plugins.export.exporters.xlsx import XlsxExporter
from gridkit_plugins.export.exporters.xlsx.values import CUT_MARK, TEXT_MAX, sheet_text

TEXT = [("a", "Text", "text")]


def naive(*parts: int) -> datetime:
    """Return a moment without a zone: spreadsheets know no others."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def book(data: bytes):
    return openpyxl.load_workbook(io.BytesIO(data))


def column(data: bytes):
    return [cell for (cell,) in book(data).active.iter_rows(min_row=2)]


def test_header_row_holds_labels_stands_out_stays_in_view_and_filters(written: Callable[..., bytes]):
    columns = [("sku", "Article number", "text"), ("stock", "Stock", "integer")]
    sheet = book(written(XlsxExporter, columns, [["a", 1], ["b", 2]])).active

    assert [cell.value for cell in sheet[1]] == ["Article number", "Stock"]
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B3"
    assert sheet.print_title_rows == "$1:$1"
    assert sheet.column_dimensions["A"].width == 24
    assert sheet.title == "Products"


def test_without_formatting_cells_are_bare_and_ids_can_head_the_columns(written: Callable[..., bytes]):
    columns = [("sku", "Article number", "text")]
    sheet = book(written(XlsxExporter, columns, [["a"]], formatting=False, header="id")).active

    assert sheet["A1"].value == "sku"
    assert not sheet["A1"].font.bold
    assert sheet.freeze_panes is None
    assert sheet.auto_filter.ref is None


@pytest.mark.parametrize(
    "text", ["=1+1", "=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "#N/A", "#DIV/0!", "123", "TRUE"]
)
def test_texts_are_text_cells_whatever_they_look_like(written: Callable[..., bytes], text: str):
    (cell,) = column(written(XlsxExporter, TEXT, [[text]]))

    assert (cell.data_type, cell.value) == ("s", text)


def test_no_formula_element_is_in_the_file(written: Callable[..., bytes]):
    data = written(XlsxExporter, [("=a", "=1+1", "text")], [["=1+1"], ["=cmd|'/c calc'!A1"]], title="=1+1")

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert sheet.count(b'"inlineStr"') == 3


def test_values_are_cells_of_their_own_types(written: Callable[..., bytes]):
    zone = ZoneInfo("America/New_York")
    moment = datetime(2013, 1, 1, 10, 30, 15, tzinfo=UTC).astimezone(zone)
    kinds = ["boolean", "integer", "decimal", "float", "date", "datetime", "time", "uuid", "json", "text"]
    values = [
        True, 42, Decimal("12.50"), 0.1, date(2013, 1, 1), moment, time(5, 17), UUID(int=7), {"a": 1}, None,
    ]  # fmt: skip
    sheet = book(written(XlsxExporter, [(kind, kind, kind) for kind in kinds], [values])).active

    cells = {sheet.cell(1, index).value: sheet.cell(2, index) for index in range(1, 11)}
    found = {kind: cell.value for kind, cell in cells.items()}
    assert found == {
        "boolean": True,
        "integer": 42,
        "decimal": 12.5,
        "float": 0.1,
        "date": naive(2013, 1, 1),
        "datetime": naive(2013, 1, 1, 5, 30, 15),
        "time": time(5, 17),
        "uuid": str(UUID(int=7)),
        "json": '{"a": 1}',
        "text": None,
    }
    assert cells["date"].number_format == "yyyy-mm-dd"
    assert cells["datetime"].number_format == "yyyy-mm-dd hh:mm:ss"
    assert cells["time"].number_format == "hh:mm:ss"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10**15 - 1, 10**15 - 1),
        (10**15, "1000000000000000"),
        (Decimal("12345678901234.56"), "12345678901234.56"),
        (Decimal("NaN"), "NaN"),
        (math.inf, "inf"),
        (date(1899, 12, 31), "1899-12-31"),
        (date(1900, 3, 1), naive(1900, 3, 1)),
        (datetime(1850, 1, 1, 12, tzinfo=UTC), "1850-01-01T12:00:00+00:00"),
    ],
)
def test_what_a_spreadsheet_cannot_hold_exactly_is_exact_text(written: Callable[..., bytes], value: Any, expected: Any):
    (cell,) = column(written(XlsxExporter, TEXT, [[value]]))

    assert cell.value == expected


def test_control_characters_stand_as_the_format_escapes_them_and_line_ends_become_line_feeds(
    written: Callable[..., bytes],
):
    (cell,) = column(written(XlsxExporter, TEXT, [["a\x00b\x0bc\r\nd\re\tf 🛫 _x0041_ \ud800"]]))

    assert cell.value == "a_x0000_b_x000B_c\nd\ne\tf 🛫 _x005F_x0041_ \ufffd"


def test_a_text_over_the_limit_of_a_cell_is_cut_with_a_mark(written: Callable[..., bytes]):
    fits, long = "x" * TEXT_MAX, "🛫" * TEXT_MAX
    first, second = (cell.value for cell in column(written(XlsxExporter, TEXT, [[fits], [long]])))

    assert first == fits
    assert second.endswith(CUT_MARK)
    assert len(second.encode("utf-16-le")) // 2 in (TEXT_MAX, TEXT_MAX - 1)


def test_sheet_text_leaves_ordinary_text_as_it_is():
    assert sheet_text("Łódź, 東京 \U0001f6eb") == "Łódź, 東京 \U0001f6eb"


def test_a_full_sheet_is_followed_by_the_next_with_the_header_again(written: Callable[..., bytes]):
    class SmallSheets(XlsxExporter):
        sheet_rows = 4

    found = book(
        written(SmallSheets, TEXT, [[str(number)] for number in range(7)], title="Flights [2013] of the whole big year")
    )

    assert [sheet.title for sheet in found] == [
        "Flights  2013  of the whole big",
        "Flights  2013  of the whole (2)",
        "Flights  2013  of the whole (3)",
    ]
    assert [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in found] == [
        ["Text", "0", "1", "2"],
        ["Text", "3", "4", "5"],
        ["Text", "6"],
    ]
    assert [sheet.auto_filter.ref for sheet in found] == ["A1:A4", "A1:A4", "A1:A2"]


def test_the_row_after_the_last_one_that_excel_takes_is_on_the_next_sheet(written: Callable[..., bytes]):
    most = 1_048_576
    data = written(XlsxExporter, [("n", "N", "integer")], [*[[7]] * (most - 1), [8]])

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [archive.read(f"xl/worksheets/sheet{number}.xml") for number in (1, 2)]
        assert "xl/worksheets/sheet3.xml" not in archive.namelist()
    assert [sheet.count(b"</row>") for sheet in sheets] == [most, 2]
    assert [b"<v>8</v>" in sheet for sheet in sheets] == [False, True]


def test_no_rows_and_a_title_of_forbidden_characters_give_a_sheet_with_a_header(written: Callable[..., bytes]):
    found = book(written(XlsxExporter, TEXT, [], title="[*]"))

    assert found.sheetnames == ["Sheet"]
    assert list(found.active.iter_rows(values_only=True)) == [("Text",)]


def test_properties_say_who_made_it_from_what_in_which_zone(written: Callable[..., bytes]):
    properties = book(written(XlsxExporter, TEXT, [["a"]])).properties

    assert (properties.title, properties.creator) == ("Products", "ann")
    assert properties.created == naive(2026, 5, 17, 12, 4)
    assert properties.description == "1 rows. Times are in the time zone America/New_York."


def test_abort_closes_an_unfinished_workbook(written: Callable[..., bytes]):
    class Stopped(XlsxExporter):
        def finish(self):
            self.abort()

    assert written(Stopped, TEXT, [["a"]]) == b""
