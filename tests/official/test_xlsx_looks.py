"""How an Excel workbook looks: formats, conditional styles, links, totals, groups, templates; read with openpyxl."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from gridkit_django.exceptions import ExportError, ExportOptionsError
from gridkit_django.exports import ExportColumn, ExportFigure, ExportGroup
from gridkit_django.grids import CellStyle, DateFormat, NumberFormat
from gridkit_django.grids.columns import ValueFormat
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.periods import Period
from gridkit_plugins.export.exporters.xlsx import XlsxExporter, pages
from tests.official.segments import in_segments, sheet_of

CARRIER = ExportColumn("carrier", "Carrier", "text")
DAY = ExportColumn("day", "Day", "date")
PRICE = ExportColumn("price", "Price", "decimal", decimals=2)
SITE = ExportColumn("site", "Site", "text", link=True)

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


def book(data: bytes, **options: Any) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data), **options)


def cells(page: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in page.iter_rows()]


def code(kind: str, made: ValueFormat | None = None, language: str = "en", **more: Any) -> str:
    """Return the number format of a cell of a column."""
    values: dict[str, Any] = {"integer": 1, "decimal": Decimal(1), "float": 0.5, "date": date(2026, 1, 1)}
    column = ExportColumn("a", "A", kind, format=made, **more)
    value = values.get(kind, datetime(2026, 1, 1, tzinfo=UTC))
    return str(
        book(in_segments(XlsxExporter, sheet_of(column, language=language), [[value]])).active["A2"].number_format
    )


@pytest.mark.parametrize(
    ("kind", "made", "language", "expected"),
    [
        ("integer", None, "en", "General"),
        ("decimal", None, "en", "0.00"),
        ("decimal", NumberFormat(grouping=True), "en", "#,##0.00"),
        ("decimal", NumberFormat(decimals=0, grouping=False), "en", "0"),
        ("integer", NumberFormat(suffix=" mi"), "en", '[>=10000]#,##0" mi";[<=-10000]-#,##0" mi";0" mi"'),
        ("float", NumberFormat(percent=True, decimals=1), "en", "0.0%"),
        ("float", NumberFormat(percent=True, grouping=True), "en", "#,##0.00%"),
        ("float", NumberFormat(), "en", "General"),
        ("float", NumberFormat(prefix='"$'), "en", '\\""$"General'),
        ("date", DateFormat("short"), "de", "dd.mm.yyyy"),
        ("date", DateFormat(), "en", "[$-409]mmm d, yyyy"),
        ("date", DateFormat("long"), "pt-br", '[$-416]d "d""e" mmmm "d""e" yyyy'),
        ("datetime", DateFormat("short", "medium"), "de", "dd.mm.yyyy, hh:mm:ss"),
        ("datetime", DateFormat("short"), "en", "mm/dd/yyyy, h:mm AM/PM"),
        ("datetime", DateFormat("short", None), "de", "dd.mm.yyyy"),
    ],
)
def test_formats_are_those_of_the_column_in_the_readers_language(
    kind: str, made: ValueFormat | None, language: str, expected: str
) -> None:
    more: dict[str, Any] = {"decimals": 2} if kind == "decimal" else {}
    assert code(kind, made, language, **more) == expected


@pytest.mark.parametrize(
    ("kind", "style", "formula"),
    [
        ("integer", CellStyle("gt", 5, tone="bad"), "AND(ISNUMBER($A2),$A2>5)"),
        ("decimal", CellStyle("between", Decimal("1.5"), Decimal("1E+1"), tone="bad"),
         "AND(AND(ISNUMBER($A2),$A2>=1.5),AND(ISNUMBER($A2),$A2<=10))"),
        ("text", CellStyle("eq", 'a"b', tone="bad"), 'AND(ISTEXT($A2),$A2="a""b")'),
        ("text", CellStyle("ne", "a", tone="bad"), 'NOT(AND(ISTEXT($A2),$A2="a"))'),
        ("text", CellStyle("contains", "a*?~", tone="bad"), 'ISNUMBER(SEARCH("a~*~?~~",$A2))'),
        ("text", CellStyle("starts", "🛫", tone="bad"), 'AND(ISTEXT($A2),LEFT($A2,2)="🛫")'),
        ("text", CellStyle("ends", "b", tone="bad"), 'AND(ISTEXT($A2),RIGHT($A2,1)="b")'),
        ("text", CellStyle("nblank", tone="bad"), "NOT(LEN($A2)=0)"),
        ("text", CellStyle("in", ("a", None), tone="bad"), 'OR(AND(ISTEXT($A2),$A2="a"),LEN($A2)=0)'),
        ("text", CellStyle("in", (), tone="bad"), "FALSE"),
        ("text", CellStyle("eq", "x" * 200, tone="bad"), f'AND(ISTEXT($A2),$A2="{"x" * 127}"&"{"x" * 73}")'),
        ("uuid", CellStyle("eq", UUID(int=1), tone="bad"), f'AND(ISTEXT($A2),$A2="{UUID(int=1)}")'),
        ("boolean", CellStyle("isTrue", tone="bad"), "AND(ISLOGICAL($A2),$A2)"),
        ("boolean", CellStyle("isFalse", tone="bad"), "AND(ISLOGICAL($A2),NOT($A2))"),
        ("boolean", CellStyle("eq", False, tone="bad"), "AND(ISLOGICAL($A2),NOT($A2))"),  # noqa: FBT003
        ("date", CellStyle("gte", date(2024, 3, 1), tone="bad"), "AND(ISNUMBER($A2),$A2>=45352)"),
        ("datetime", CellStyle("gt", date(2024, 3, 1), tone="bad"), "AND(ISNUMBER($A2),INT($A2)>45352)"),
        ("datetime", CellStyle("lt", datetime(2024, 3, 1, 17, tzinfo=UTC), tone="bad"),
         "AND(ISNUMBER($A2),$A2<45352.5)"),
        ("time", CellStyle("lt", time(6), tone="bad"), "AND(ISNUMBER($A2),$A2<0.25)"),
    ],
)  # fmt: skip
def test_conditional_styles_are_rules_of_the_workbook(kind: str, style: CellStyle, formula: str) -> None:
    column = ExportColumn("a", "A", kind, styles=(style,))
    page = book(in_segments(XlsxExporter, sheet_of(column), [[None], [None]])).active
    (found,) = page.conditional_formatting

    (rule,) = found.rules
    assert (str(found.sqref), rule.formula, rule.stopIfTrue) == ("A2:A3", [formula], True)
    assert rule.dxf.font.color.rgb == "FF7F1D1D"
    assert rule.dxf.fill.bgColor.rgb == "FFFEE2E2"


def test_the_first_of_several_styles_counts() -> None:
    styles = (CellStyle("gt", 9, bold=True), CellStyle("gt", 5, tone="muted", italic=True))
    page = book(in_segments(XlsxExporter, sheet_of(ExportColumn("a", "A", "integer", styles=styles)), [[1]])).active
    (found,) = page.conditional_formatting

    first, second = sorted(found.rules, key=lambda rule: rule.priority)
    assert (first.dxf.font.b, first.dxf.fill, second.dxf.font.i, second.dxf.fill) == (True, None, True, None)


def test_a_text_that_looks_like_a_formula_stays_a_text_when_somebody_edits_it() -> None:
    page = book(in_segments(XlsxExporter, sheet_of(CARRIER), [["=1+1"], ["a"]])).active

    assert [(cell.data_type, cell.quotePrefix) for (cell,) in page["A2:A3"]] == [("s", True), ("s", False)]


def test_web_addresses_are_links_and_what_could_run_is_text() -> None:
    rows = [['https://a.example/?q=1&r="x"'], ["javascript:alert(1)"], [None], ["http://b.example/ö"], ["http://a b"]]
    page = book(in_segments(XlsxExporter, sheet_of(CARRIER, SITE), [["x", *row] for row in rows], [2])).active

    links = {cell.coordinate: cell.hyperlink.target for row in page.iter_rows() for cell in row if cell.hyperlink}
    assert links == {"B2": rows[0][0], "B5": rows[3][0]}
    assert [page[f"B{number}"].value for number in range(2, 7)] == [row[0] for row in rows]
    assert page["B2"].font.underline == "single"


def test_links_stand_on_the_sheet_of_their_rows_and_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LINKS_MAX", 3)
    rows = [[f"https://a.example/{number}"] for number in range(6)]
    found = [
        {cell.coordinate: cell.hyperlink.target for row in page.iter_rows() for cell in row if cell.hyperlink}
        for page in book(in_segments(SmallSheets, sheet_of(SITE), rows))
    ]

    assert found == [
        {f"A{number + 2}": f"https://a.example/{number}" for number in range(3)},
        {"A2": "https://a.example/4", "A3": "https://a.example/5"},
    ]


def figures(*fns: tuple[int, Fn]) -> tuple[ExportFigure, ...]:
    return tuple(ExportFigure(place, fn) for place, fn in fns)


@pytest.mark.parametrize(
    ("fn", "number", "value"),
    [(Fn.SUM, 109, 15.3), (Fn.AVG, 101, 3.825), (Fn.MIN, 105, 1.1), (Fn.MAX, 104, 7), (Fn.COUNT, 103, 4)],
)
def test_totals_are_formulas_with_their_values(fn: Fn, number: int, value: float) -> None:
    data = in_segments(XlsxExporter, sheet_of(CARRIER, DAY, PRICE, figures=figures((2, fn))), FLIGHTS, [2])

    assert cells(book(data).active)[-1] == ["Total", None, f"=SUBTOTAL({number},C2:C6)"]
    assert cells(book(data, data_only=True).active)[-1] == ["Total", None, value]
    assert CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()[-1] == [
        "Total",
        "",
        value,
    ]
    assert book(data).active["C7"].number_format == ("0" if fn is Fn.COUNT else "0.00")


def test_totals_over_several_sheets_stand_on_the_last_one() -> None:
    sheet = sheet_of(CARRIER, DAY, PRICE, title="Bob's", figures=figures((1, Fn.MAX), (2, Fn.SUM)), language="de")
    found = book(in_segments(SmallSheets, sheet, FLIGHTS))

    assert [len(cells(page)) for page in found] == [4, 4]
    assert cells(found.worksheets[1])[-1] == [
        "Total", "=SUBTOTAL(104,'Bob''s'!B2:B4,B2:B3)", "=SUBTOTAL(109,'Bob''s'!C2:C4,C2:C3)",
    ]  # fmt: skip


def test_a_figure_that_no_formula_makes_is_its_value() -> None:
    sheet = sheet_of(CARRIER, PRICE, figures=figures((0, Fn.MAX), (1, Fn.SUM)))
    last = cells(book(in_segments(XlsxExporter, sheet, [["=x", Decimal("9E+15")], ["a", None]])).active)[-1]

    assert last == ["a", "9000000000000000"]
    assert cells(book(in_segments(XlsxExporter, sheet, [])).active)[-1] == [None, None]


GROUPED = [
    ["Carrier", "Day", "Price"],
    ["AA", datetime(2026, 1, 1), 1.1],  # noqa: DTZ001
    ["AA", datetime(2026, 1, 31), 2.2],  # noqa: DTZ001
    ["2026-01 (2)", None, "=SUBTOTAL(109,C2:C3)"],
    ["AA", datetime(2026, 2, 1), None],  # noqa: DTZ001
    ["2026-02 (1)", None, None],
    ["AA (3)", None, "=SUBTOTAL(109,C2:C6)"],
    ["BB", datetime(2026, 2, 1), 5],  # noqa: DTZ001
    ["2026-02 (1)", None, "=SUBTOTAL(109,C8:C8)"],
    ["BB (1)", None, "=SUBTOTAL(109,C8:C9)"],
    [None, None, 7],
    ["(empty) (1)", None, "=SUBTOTAL(109,C11:C11)"],
    ["(empty) (1)", None, "=SUBTOTAL(109,C11:C12)"],
    ["Total", None, "=SUBTOTAL(109,C2:C13)"],
]


@pytest.mark.parametrize("sizes", [(), (1, 3), (2, 1, 1)])
def test_groups_are_an_outline_with_subtotals_wherever_segments_end(sizes: Sequence[int]) -> None:
    sheet = sheet_of(
        CARRIER, DAY, PRICE, figures=figures((2, Fn.SUM)), groups=(ExportGroup(0), ExportGroup(1, Period.MONTH))
    )
    data = in_segments(XlsxExporter, sheet, FLIGHTS, sizes)
    page = book(data).active

    assert cells(page) == GROUPED
    levels = [page.row_dimensions[number].outlineLevel for number in range(2, 15)]
    assert levels == [2, 2, 1, 2, 1, 0, 2, 1, 0, 2, 1, 0, 0]
    assert page.auto_filter.ref is None
    values = [row[2] for row in cells(book(data, data_only=True).active)]
    assert [values[place] for place in (3, 5, 6, 9, 13)] == [3.3, None, 3.3, 5, 15.3]


def test_a_group_over_two_sheets_has_its_figures_on_each_and_links_stay_with_their_rows() -> None:
    class Sheets(XlsxExporter):
        sheet_rows = 8

    rows = [["AA", f"https://a.example/{number}", Decimal(number)] for number in range(8)]
    sheet = sheet_of(CARRIER, SITE, PRICE, figures=figures((2, Fn.SUM)), groups=(ExportGroup(0),))
    first, second = book(in_segments(Sheets, sheet, rows, [4], chunk=2))

    assert [row[2] for row in cells(first)] == ["Price", 0, 1, 2, 3, "=SUBTOTAL(109,C2:C5)"]
    assert [row[2] for row in cells(second)] == [
        "Price", 4, 5, 6, 7, "=SUBTOTAL(109,C2:C5)", "=SUBTOTAL(109,'Products'!C2:C6,C2:C6)",
    ]  # fmt: skip
    assert second["B3"].hyperlink.target == "https://a.example/5"
    assert cells(second)[-2][0] == "AA (4)"


def test_rules_are_for_the_rows_of_groups_and_not_for_their_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    price = ExportColumn("price", "Price", "decimal", styles=(CellStyle("gt", 1, tone="bad"),))
    sheet = sheet_of(CARRIER, DAY, price, figures=figures((2, Fn.SUM)), groups=(ExportGroup(0),))

    (found,) = book(in_segments(XlsxExporter, sheet, FLIGHTS, [2])).active.conditional_formatting
    assert (str(found.sqref), found.rules[0].formula) == ("C2:C4 C6 C8", ["AND(ISNUMBER($C2),$C2>1)"])
    monkeypatch.setattr(pages, "SPANS_MAX", 2)
    (found,) = book(in_segments(XlsxExporter, sheet, FLIGHTS, [2])).active.conditional_formatting
    assert str(found.sqref) == "C2:C9"


def test_columns_are_as_wide_as_their_format_needs() -> None:
    columns = (
        ExportColumn("day", "Day", "date", format=DateFormat("long")),
        ExportColumn("price", "Price", "decimal", format=NumberFormat(decimals=2, prefix="EUR "), decimals=2),
    )
    page = book(in_segments(XlsxExporter, sheet_of(*columns, language="de"), [])).active

    assert [page.column_dimensions[letter].width for letter in "AB"] == [len("28. September 2028") + 2, 19]
    assert page["A1"].font.name == "Calibri"


def test_width_direction_and_paper_follow_the_columns_and_the_language() -> None:
    wide = [ExportColumn(f"c{number}", "C", "text", width=145) for number in range(6)]
    page = book(in_segments(XlsxExporter, sheet_of(*wide, language="ar"), [])).active

    assert page.column_dimensions["A"].width == 20
    assert page.sheet_view.rightToLeft
    assert page.page_setup.orientation == "landscape"


@pytest.fixture
def templates(tmp_path: Path, settings: Any) -> Path:
    """A directory of templates of the site, with one workbook."""
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    folder = tmp_path / "gridkit" / "export"
    folder.mkdir(parents=True)
    made = openpyxl.Workbook()
    page = made.worksheets[0]
    page.title = "Report"
    page["A1"], page["A2"] = "{{ title }} of {{ owner }}", "{{ rows }} rows, {{ created }} {{ time_zone }}"
    page["B1"].hyperlink = "https://site.example/"
    made.create_sheet("Notes")["A1"] = "kept"
    made.save(folder / "letter.xlsx")
    return folder


def test_rows_follow_what_a_template_holds(templates: Path) -> None:
    sheet = sheet_of(CARRIER, SITE, title="=1+1", options={"template": "letter"})
    found = book(in_segments(SmallSheets, sheet, [["a", "https://a.example"], ["b", None]], [1]))

    assert found.sheetnames == ["Report", "Notes", "=1+1 (2)"]
    report = found.worksheets[0]
    assert cells(report)[:2] == [
        ["=1+1 of ann", "https://site.example/"], ["2 rows, 2026-05-17 08:04 America/New_York", None],
    ]  # fmt: skip
    assert report["A1"].data_type == "s"
    assert cells(report)[3:] == [["Carrier", "Site"], ["a", "https://a.example"]]
    assert report.freeze_panes == "A5"
    assert (report["B1"].hyperlink.target, report["B5"].hyperlink.target) == (
        "https://site.example/",
        "https://a.example",
    )
    assert cells(found["Notes"]) == [["kept"]]
    assert cells(found.worksheets[2]) == [["Carrier", "Site"], ["b", None]]


def test_a_template_that_is_not_there_or_is_a_path_is_refused(templates: Path) -> None:
    for name, text in (("other", "no template"), ("../letter", "not called by a word")):
        with pytest.raises(ExportOptionsError, match=text):
            in_segments(XlsxExporter, sheet_of(CARRIER, options={"template": name}), [])


def test_a_template_without_room_for_rows_is_refused(templates: Path) -> None:
    class Tiny(XlsxExporter):
        sheet_rows = 4

    with pytest.raises(ExportError, match="no room"):
        in_segments(Tiny, sheet_of(CARRIER, options={"template": "letter"}), [["a"]])
