"""Excel workbooks through openpyxl's write-only mode: real types, number formats, bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, BinaryIO, ClassVar

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from gridkit_django.exports import BaseExporter, ExportColumn, ExportSheet
from gridkit_plugins.export.exporters.xlsxcells import needs_text_type, sheet_text, sheet_value
from gridkit_plugins.export.options import XLSX_OPTIONS

_NUMBER_FORMATS: Mapping[str, str] = MappingProxyType(
    {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss", "time": "hh:mm:ss"}
)
_WIDTHS: Mapping[str, float] = MappingProxyType(
    {"text": 24, "json": 30, "uuid": 38, "datetime": 20, "date": 12, "time": 10, "choice": 16}
)
_NARROW = 12.0
_TITLE_FORBIDDEN = re.compile(r"[\\/*?:\[\]\x00-\x1f]")
_TITLE_MAX = 31


class XlsxExporter(BaseExporter):
    """Writes a workbook; a text is always a text cell, so nothing in it can run.

    The header row holds the labels. With ``formatting`` (the default) it stands out, stays in view and filters, and
    columns have widths. Points in time are shown in the sheet's time zone, which the document's properties name,
    since a spreadsheet knows no zones. After ``sheet_rows`` rows the next sheet starts, with the header again.

    Attributes:
        sheet_rows: rows of one sheet at most, header included; the default is the limit of the file format.
    """

    format = "xlsx"
    label = "Excel"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    extension = "xlsx"
    for_people = True
    options_schema = XLSX_OPTIONS
    sheet_rows: ClassVar[int] = 1_048_576

    def begin(self, stream: BinaryIO, sheet: ExportSheet) -> None:
        """Make the workbook, its properties and its first sheet."""
        self._stream = stream
        self._sheet = sheet
        self._formatted = bool(sheet.options.get("formatting", True))
        self._formats = [_NUMBER_FORMATS.get(column.type) for column in sheet.columns]
        self._book = Workbook(write_only=True)
        self._sheets: list[Any] = []
        _describe(self._book, sheet)
        self._start_sheet()

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, on the next sheet when this one is full."""
        for row in rows:
            if self._rows_here == self.sheet_rows:
                self._start_sheet()
            self._sheets[-1].append(list(self._cells(self._sheets[-1], row)))
            self._rows_here += 1

    def finish(self) -> None:
        """Save the workbook into the stream."""
        self._end_sheet()
        self._book.save(self._stream)

    def abort(self) -> None:
        """Close openpyxl's temporary files."""
        for sheet in self._sheets:
            sheet.close()

    def _cells(self, sheet: WriteOnlyWorksheet, row: Sequence[Any]) -> Iterator[Any]:
        for value, number_format in zip(row, self._formats, strict=True):
            plain = sheet_value(value)
            if isinstance(plain, str):
                yield _text_cell(sheet, plain) if needs_text_type(plain) else plain
            elif number_format is not None and plain is not None:
                cell = WriteOnlyCell(sheet, plain)
                cell.number_format = number_format
                yield cell
            else:
                yield plain

    def _start_sheet(self) -> None:
        if self._sheets:
            self._end_sheet()
        number = len(self._sheets) + 1
        sheet = self._book.create_sheet(_sheet_title(self._sheet.title, number))
        self._sheets.append(sheet)
        if self._formatted:
            _lay_out(sheet, self._sheet.columns)
        sheet.append([self._header_cell(sheet, column) for column in self._sheet.columns])
        self._rows_here = 1

    def _end_sheet(self) -> None:
        sheet = self._sheets[-1]
        if self._formatted:
            sheet.auto_filter.ref = f"A1:{get_column_letter(max(len(self._formats), 1))}{self._rows_here}"
        sheet.close()

    def _header_cell(self, sheet: WriteOnlyWorksheet, column: ExportColumn) -> Any:
        text = column.id if self._sheet.options.get("header") == "id" else column.label
        cell = _text_cell(sheet, sheet_text(text))
        if self._formatted:
            cell.font = Font(bold=True)
            cell.fill = PatternFill("solid", fgColor="FFE8ECF1")
            cell.alignment = Alignment(vertical="center")
        return cell


def _text_cell(sheet: WriteOnlyWorksheet, text: str) -> Any:
    """Return a cell that holds ``text`` as text, whatever it starts with."""
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell


def _lay_out(sheet: Any, columns: Sequence[ExportColumn]) -> None:
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    for number, column in enumerate(columns, start=1):
        width = max(_WIDTHS.get(column.type, _NARROW), min(len(column.label) + 4, 40))
        sheet.column_dimensions[get_column_letter(number)].width = width


def _describe(book: Workbook, sheet: ExportSheet) -> None:
    properties = book.properties
    properties.title = sheet_text(sheet.title)
    properties.creator = sheet_text(sheet.owner_label)
    properties.created = sheet.created_at.replace(tzinfo=None)
    properties.description = f"{sheet.total_rows} rows. Times are in the time zone {sheet.time_zone}."


def _sheet_title(title: str, number: int) -> str:
    """Return a legal sheet name: at most 31 characters, none of the forbidden ones, numbered from the second on."""
    suffix = "" if number == 1 else f" ({number})"
    legal = _TITLE_FORBIDDEN.sub(" ", sheet_text(title)).strip(" '") or "Sheet"
    return legal[: _TITLE_MAX - len(suffix)] + suffix
