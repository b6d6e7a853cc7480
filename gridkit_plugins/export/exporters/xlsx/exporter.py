"""Excel workbooks: openpyxl makes the workbook, rows are streamed into its sheets as compressed XML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, ClassVar

from gridkit_django.exceptions import ExportError
from gridkit_django.exports import ExportSheet, KeptSegment, SegmentedExporter, SegmentPlace
from gridkit_django.exports.subtotals import Tally, tallies
from gridkit_django.typing import JSONObject
from gridkit_plugins.export.exporters.xlsx.book import Book
from gridkit_plugins.export.exporters.xlsx.chunks import Chunk, ChunkWriter, chunks
from gridkit_plugins.export.exporters.xlsx.grouping import GroupedRows
from gridkit_plugins.export.exporters.xlsx.pages import Pages
from gridkit_plugins.export.options import XLSX_OPTIONS

Rows = Sequence[Sequence[Any]]


class XlsxExporter(SegmentedExporter):
    """Writes a workbook; a text is always a text cell, so nothing in it can run.

    The header row holds the labels. With ``formatting`` (the default) it stands out, stays in view and filters, columns
    have widths and number formats, conditional styles are rules of the workbook, and groups are outlines with
    subtotals. Points in time are shown in the sheet's time zone, which the document's properties name, since a
    spreadsheet knows no zones. When a sheet is full the next one starts, with the header again.

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

    def write_segment(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, rows: Iterator[Rows]
    ) -> JSONObject:
        """Write rows as chunks of compressed XML, none of which crosses the end of a sheet."""
        book = Book(sheet, self.sheet_rows)
        writer = ChunkWriter(sheet, book.looks.writers(sheet.columns))
        gathered = tallies(sheet.figures)
        written = []
        parts = rows if sheet.groups else _within_sheets(book, place.first_row, rows)
        for part in parts:
            written.append(writer.write(stream, part))
            for tally, figure in zip(gathered, sheet.figures, strict=True):
                tally.add([row[figure.column] for row in part])
        return {"book": book.digest, "chunks": written, "tallies": [tally.to_json() for tally in gathered]}

    def join(self, stream: BinaryIO, sheet: ExportSheet, segments: Iterator[KeptSegment]) -> None:
        """Put the chunks into the workbook without unpacking them; those of groups are unpacked to part them.

        Raises:
            ExportError: when a segment was made for another workbook, since the code or the grid changed meanwhile.
        """
        book = Book(sheet, self.sheet_rows)
        pages = Pages(stream, sheet, book, book.looks.writers(sheet.columns))
        grouped = GroupedRows(sheet, book, pages) if sheet.groups else None
        for segment in segments:
            if segment.facts.get("book") != book.digest:
                raise ExportError("What was written of the file before fits no more. Ask for the export again.")
            facts: Any = segment.facts
            for chunk in chunks(facts["chunks"]):
                if grouped:
                    grouped.lay(segment.stream, chunk)
                else:
                    _lay(pages, segment.stream, chunk, sheet)
            pages.total([
                Tally.from_json(figure.fn, raw) for figure, raw in zip(sheet.figures, facts["tallies"], strict=True)
            ])  # fmt: skip
        if grouped:
            grouped.close()
        pages.close()


def _lay(pages: Pages, stream: BinaryIO, chunk: Chunk, sheet: ExportSheet) -> None:
    if not pages.room:
        pages.turn()
    notes = chunk.read_notes(stream, sheet)
    pages.take_over(stream, chunk.piece, chunk.rows, notes.links)


def _within_sheets(book: Book, first_row: int, rows: Iterator[Rows]) -> Iterator[Rows]:
    """Yield rows in parts that lie on one sheet each.

    Args:
        book: says how many rows a sheet takes.
        first_row: how many rows come before these in the file.
        rows: the rows.
    """
    index, room = 0, book.room(0) - first_row
    while room <= 0:
        index += 1
        room += book.room(index)
    for some in rows:
        start = 0
        while start < len(some):
            if not room:
                index += 1
                room = book.room(index)
            part = some[start : start + room]
            yield part
            start += len(part)
            room -= len(part)
