"""CSV (RFC 4180): exact texts, quoted where needed, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from gridkit_django.exports import CopiedExporter, CopyShape, ExportSheet, KeptSegment, Seams, SegmentPlace
from gridkit_django.exports.guard import guard_text
from gridkit_django.typing import JSONObject, JSONValue
from gridkit_plugins.export.exporters.columntexts import csv_writing
from gridkit_plugins.export.exporters.encoding import TextEncoder, charset
from gridkit_plugins.export.exporters.packing import is_packed, packed_type, segment_file, whole_file
from gridkit_plugins.export.options import CSV_OPTIONS

LINE_ENDS = {"crlf": "\r\n", "lf": "\n"}
_LINE_END = "\r\n"
"""What the writer of Python ends lines with; it decides what is quoted, so that it is always the same."""

_END_MARK = "\\."
"""In a line of its own PostgreSQL takes this text for the end of a file, so it quotes it there."""


class CsvExporter(CopiedExporter):
    """Writes separated text, from values or as PostgreSQL wrote it.

    NULL and the empty text both give an empty cell. Texts and headings that a spreadsheet would run as formulas get an
    apostrophe, unless ``guard`` is false: a file for machines.
    """

    format = "csv"
    label = "CSV"
    content_type = "text/csv; charset=utf-8"
    extension = "csv"
    options_schema = CSV_OPTIONS

    @classmethod
    def shows_labels(cls, options: Mapping[str, JSONValue]) -> bool:
        """Return whether choices and keys are written by their labels."""
        return options.get("values") == "label"

    @classmethod
    def file_type(cls, options: Mapping[str, JSONValue]) -> tuple[str, str]:
        """Return the media type and the extension of the file."""
        return packed_type(options, f"text/csv; charset={charset(options)}", cls.extension)

    @classmethod
    def shape(cls, sheet: ExportSheet) -> CopyShape:
        """Return how PostgreSQL writes the rows."""
        options = sheet.options
        return CopyShape(
            "csv",
            between=_line_end(options).encode(),
            guard=_guards(options),
            delimiter=_delimiter(options),
            decimal=str(options.get("decimal", ".")),
        )

    @classmethod
    def seams(cls, sheet: ExportSheet) -> Seams | None:
        """Return that there are none, unless the file is compressed."""
        return None if is_packed(sheet.options) else Seams()

    def begin(self, stream: BinaryIO, sheet: ExportSheet) -> None:
        """Write the byte order mark and the header row, as the options say."""
        self._file = whole_file(stream, sheet.options, self.extension)
        self._segment = _Segment(self._file.write, sheet, SegmentPlace(0, 0))

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows."""
        self._segment.rows(rows)

    def finish(self) -> None:
        """Complete the file."""
        self._file.close()

    def abort(self) -> None:
        """Nothing is held."""

    def write_segment(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, rows: Iterator[Sequence[Sequence[Any]]]
    ) -> JSONObject:
        """Write rows of values; the first segment has the header."""
        part = segment_file(stream, sheet.options)
        segment = _Segment(part.write, sheet, place)
        for chunk in rows:
            segment.rows(chunk)
        return part.close()

    def write_copied(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, blocks: Iterator[bytes]
    ) -> JSONObject:
        """Write rows that PostgreSQL wrote; the first segment has the header."""
        part = segment_file(stream, sheet.options)
        segment = _Segment(part.write, sheet, place)
        for block in blocks:
            segment.block(block)
        return part.close()

    def join(self, stream: BinaryIO, sheet: ExportSheet, segments: Iterator[KeptSegment]) -> None:
        """Put the segments one after the other."""
        file = whole_file(stream, sheet.options, self.extension)
        for segment in segments:
            file.take_over(segment)
        file.close()


class _Segment:
    """Lines on their way into one stream.

    Args:
        write: takes the bytes.
        sheet: title, columns and options.
        place: where in the file the lines belong.
    """

    def __init__(self, write: Callable[[bytes], object], sheet: ExportSheet, place: SegmentPlace) -> None:
        options = sheet.options
        self._delimiter = _delimiter(options)
        self._line_end = _line_end(options)
        self._alone = len(sheet.columns) == 1
        guard, decimal = _guards(options), str(options.get("decimal", "."))
        self._writings = [csv_writing(column.type, guard=guard, decimal=decimal) for column in sheet.columns]
        self._encoder = TextEncoder(options, [column.id for column in sheet.columns], self._delimiter, place.first_row)
        self._write = write
        if place.number == 0:
            self._write(self._encoder.mark)
            self._head(sheet, guard=guard)

    def rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows of values."""
        if not rows:
            return
        cells = [write(held) for write, held in zip(self._writings, zip(*rows, strict=True), strict=True)]
        self._put("".join(self._lines(zip(*cells, strict=True))), rows=len(rows))

    def block(self, block: bytes) -> None:
        """Write whole lines that the database wrote."""
        end = self._line_end.encode()
        if self._encoder.is_plain:
            self._write(block)
            self._write(end)
        else:
            self._put(block.decode() + self._line_end, rows=None)

    def _head(self, sheet: ExportSheet, *, guard: bool) -> None:
        named = sheet.options.get("header", "id")
        if named == "none":
            return
        texts = [column.label if named == "label" else column.id for column in sheet.columns]
        line = "".join(self._lines([[guard_text(text) if guard else text for text in texts]]))
        self._write(self._encoder.header(line))

    def _put(self, text: str, *, rows: int | None) -> None:
        self._write(self._encoder.encode(text, rows))

    def _lines(self, rows: Iterable[Sequence[Any]]) -> list[str]:
        lines: list[str] = []
        writer = csv.writer(_Sink(lines), delimiter=self._delimiter, lineterminator=_LINE_END)
        writer.writerows(rows)
        if self._alone:
            lines = [f'"{_END_MARK}"{_LINE_END}' if line == _END_MARK + _LINE_END else line for line in lines]
        if self._line_end != _LINE_END:
            lines = [line[: -len(_LINE_END)] + self._line_end for line in lines]
        return lines


class _Sink:
    """A file whose lines go into a list."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def _guards(options: Mapping[str, JSONValue]) -> bool:
    return options.get("guard", True) is not False


def _delimiter(options: Mapping[str, JSONValue]) -> str:
    return str(options.get("delimiter", ","))


def _line_end(options: Mapping[str, JSONValue]) -> str:
    return LINE_ENDS[str(options.get("lineEnd", "crlf"))]
