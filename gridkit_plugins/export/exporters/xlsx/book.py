"""The workbook around the rows, made by openpyxl: properties, styles, headings, widths, filter, rules, page set-up.

It is made without rows, once for each sheet that begins or ends; its XML is then parted where the rows belong.
"""

from __future__ import annotations

import copy
import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.utils import translation
from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from gridkit_django.exceptions import ExportError
from gridkit_django.exports import ExportSheet
from gridkit_plugins.export.exporters.xlsx.looks import BookLooks, register_looks
from gridkit_plugins.export.exporters.xlsx.rules import rules
from gridkit_plugins.export.exporters.xlsx.templates import template_book
from gridkit_plugins.export.exporters.xlsx.values import sheet_text
from gridkit_plugins.export.exporters.xlsx.widths import column_width

COLUMNS_MAX = 16_384
"""Columns of a sheet: a limit of the file format."""

_UPRIGHT_WIDTH = 95
"""Characters that fit on an upright page."""

_TITLE_FORBIDDEN = re.compile(r"[\\/*?:\[\]\x00-\x1f]")
_TITLE_MAX = 31
_DIMENSION = re.compile(rb"<dimension [^>]*/>")


Spans: TypeAlias = "Sequence[tuple[int, int]]"
"""First and last row of each stretch of rows."""


@dataclass(frozen=True, slots=True)
class SheetXml:
    """The XML of one sheet, parted where its rows belong.

    Attributes:
        name: of its member in the file.
        before: all up to its rows.
        after: all from the end of its rows on.
    """

    name: str
    before: bytes
    after: bytes


class Book:
    """What is the same in every part of a file.

    Args:
        sheet: title, columns and options.
        sheet_rows: rows of one sheet at most.

    Attributes:
        looks: numbers of the cells' styles.

    Raises:
        ExportError: for more columns than a sheet has.
        ExportOptionsError: for a template that is not there.
    """

    def __init__(self, sheet: ExportSheet, sheet_rows: int) -> None:
        if len(sheet.columns) > COLUMNS_MAX:
            raise ExportError(f"A sheet has {COLUMNS_MAX} columns at most; leave some out.")
        self._sheet = sheet
        self._sheet_rows = sheet_rows
        self._formatted = bool(sheet.options.get("formatting", True))
        book = self._begun()
        self._first_header = _rows_used(book.worksheets[0]) if sheet.options.get("template") else 1
        self.looks: BookLooks = register_looks(book.worksheets[0], sheet)

    @property
    def digest(self) -> str:
        """Tells whether two workers mean the same workbook."""
        facts = repr((self.looks, self._first_header, self._sheet_rows, self._sheet.columns))
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    def header_row(self, index: int) -> int:
        """Return the row of a sheet's headings; the rows follow it."""
        return 1 if index else self._first_header

    def room(self, index: int) -> int:
        """Return how many rows a sheet takes between its headings and its totals.

        Raises:
            ExportError: when the template leaves none.
        """
        room = self._sheet_rows - self.header_row(index) - bool(self._sheet.figures)
        if room < 1:
            raise ExportError("The template leaves no room for rows on its first sheet.")
        return room

    def title(self, index: int) -> str:
        """Return the name of a sheet."""
        return str(self._pages(self._begun(), index + 1)[index].title)

    def parts(self, rows: Sequence[int], spans: Sequence[Spans] = ()) -> tuple[list[SheetXml], dict[str, bytes]]:
        """Make the workbook.

        Args:
            rows: how many rows each sheet has, without headings and totals.
            spans: of each sheet, where rows of the table stand that rules are for; empty for all rows.

        Returns:
            The sheets with rows, and all other members of the file by name.
        """
        book = self._begun()
        register_looks(book.worksheets[0], self._sheet)
        pages = self._pages(book, len(rows))
        for index, page in enumerate(pages):
            self._lay_out(page, self.header_row(index), rows[index], spans[index] if index < len(spans) else ())
        saved = io.BytesIO()
        book.save(saved)
        with zipfile.ZipFile(saved) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        names = [f"xl/worksheets/sheet{book.worksheets.index(page) + 1}.xml" for page in pages]
        sheets = [
            _parted(name, members.pop(name), self.header_row(index), f"A1:{self._last_column}{end}")
            for index, (name, end) in enumerate(
                zip(names, (self.header_row(at) + count for at, count in enumerate(rows)), strict=True)
            )
        ]
        return sheets, members

    @property
    def _last_column(self) -> str:
        return get_column_letter(max(len(self._sheet.columns), 1))

    def _begun(self) -> Workbook:
        """Return the workbook with its properties and its first sheet."""
        sheet = self._sheet
        book = template_book(sheet)
        if book is None:
            book = Workbook()
            book.worksheets[0].title = _sheet_title(sheet.title, 1)
        properties = book.properties
        properties.title = sheet_text(sheet.title)
        properties.creator = sheet_text(sheet.owner_label)
        properties.created = sheet.created_at.replace(tzinfo=None)
        properties.modified = properties.created
        properties.description = f"{sheet.total_rows} rows. Times are in the time zone {sheet.time_zone}."
        return book

    def _pages(self, book: Workbook, count: int) -> list[Any]:
        """Return the sheets that hold rows: the first one, and new ones behind all others."""
        more = [book.create_sheet(_sheet_title(self._sheet.title, number)) for number in range(2, count + 1)]
        return [book.worksheets[0], *more]

    def _lay_out(self, page: Any, header: int, rows: int, spans: Spans) -> None:
        page.cell(header, 1)
        styles = page.parent._cell_styles  # noqa: SLF001 - the numbers that the cells of the rows use count in this list
        for number, column in enumerate(self._sheet.columns, start=1):
            cell = page.cell(header, number)
            cell.value = sheet_text(column.id if self._sheet.options.get("header") == "id" else column.label)
            cell.data_type = "s"
            cell._style = copy.copy(styles[self.looks.header])  # noqa: SLF001 - openpyxl has no other way
        if self._formatted:
            self._format(page, header, rows, spans)

    def _format(self, page: Any, header: int, rows: int, spans: Spans) -> None:
        end = header + max(rows, 1)
        page.freeze_panes = f"A{header + 1}"
        page.print_title_rows = f"{header}:{header}"
        if not self._sheet.groups:
            page.auto_filter.ref = f"A{header}:{self._last_column}{header + rows}"
        widths = [column_width(column, self._sheet.language) for column in self._sheet.columns]
        for number, (column, width) in enumerate(zip(self._sheet.columns, widths, strict=True), start=1):
            letter = get_column_letter(number)
            page.column_dimensions[letter].width = width
            where = " ".join(f"{letter}{first}:{letter}{last}" for first, last in spans or [(header + 1, end)])
            for rule in rules(
                column, f"${letter}{where.partition(':')[0].removeprefix(letter)}", self._sheet.time_zone
            ):
                page.conditional_formatting.add(where, rule)
        if sum(widths) > _UPRIGHT_WIDTH:
            page.page_setup.orientation = "landscape"
        page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        page.page_setup.fitToHeight = 0
        page.sheet_view.rightToLeft = _is_right_to_left(self._sheet.language)
        page.sheet_format.outlineLevelRow = len(self._sheet.groups)


def _rows_used(page: Any) -> int:
    """Return the row for headings below what a template holds, with one row between."""
    return 1 if page.max_row == 1 and page["A1"].value is None else int(page.max_row) + 2


def _parted(name: str, xml: bytes, header: int, dimension: str) -> SheetXml:
    """Part a sheet's XML behind the row of its headings, which is its last."""
    start = xml.index(b'<row r="%d"' % header)
    end = xml.index(b"</row>", start) + len(b"</row>")
    before = _DIMENSION.sub(b'<dimension ref="%s"/>' % dimension.encode(), xml[:end], count=1)
    return SheetXml(name, before, xml[xml.rindex(b"</sheetData>") :])


def _is_right_to_left(language: str) -> bool:
    try:
        return bool(translation.get_language_info(language)["bidi"])
    except KeyError:
        return False


def _sheet_title(title: str, number: int) -> str:
    """Return a legal sheet name: at most 31 characters, none of the forbidden ones, numbered from the second on."""
    suffix = "" if number == 1 else f" ({number})"
    legal = _TITLE_FORBIDDEN.sub(" ", sheet_text(title)).strip(" '") or "Sheet"
    return legal[: _TITLE_MAX - len(suffix)] + suffix
