"""JSON: one object per row, as one array or as one line each (NDJSON); from values, or as PostgreSQL wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any, BinaryIO, ClassVar

from gridkit_django.exports import CopiedExporter, CopyShape, ExportSheet, KeptSegment, Seams, SegmentPlace
from gridkit_django.typing import JSONObject, JSONValue
from gridkit_plugins.export.exporters.columntexts import json_writing
from gridkit_plugins.export.exporters.packing import is_packed, packed_type, segment_file, whole_file
from gridkit_plugins.export.options import JSON_OPTIONS


class JsonExporter(CopiedExporter):
    """Writes an array of objects with the column ids as keys.

    Integers, floats and booleans are JSON numbers and booleans; decimals are strings, unless ``decimals`` asks for
    numbers, since most readers lose digits of a JSON number; points in time are ISO 8601 strings with their offset;
    NULL is ``null``, and so is a float that JSON can't hold (NaN and the infinities, RFC 8259 section 6).
    """

    format = "json"
    label = "JSON"
    content_type = "application/json"
    extension = "json"
    options_schema = JSON_OPTIONS
    around: ClassVar[Seams] = Seams(opening=b"[\n", between=b",\n", closing=b"\n]\n", closing_of_none=b"]\n")

    @classmethod
    def shows_labels(cls, options: Mapping[str, JSONValue]) -> bool:
        """Return whether choices and keys are written by their labels."""
        return options.get("values") == "label"

    @classmethod
    def shape(cls, sheet: ExportSheet) -> CopyShape:
        """Return how PostgreSQL writes the rows."""
        return CopyShape(
            "json",
            between=cls.around.between,
            keys=tuple(column.id for column in sheet.columns),
            decimals_as_text=_decimals_as_text(sheet),
            large_as_text=_large_as_text(sheet),
        )

    @classmethod
    def file_type(cls, options: Mapping[str, JSONValue]) -> tuple[str, str]:
        """Return the media type and the extension of the file."""
        return packed_type(options, cls.content_type, cls.extension)

    @classmethod
    def seams(cls, sheet: ExportSheet) -> Seams | None:
        """Return what stands around and between the objects, unless the file is compressed."""
        return None if is_packed(sheet.options) else cls.around

    def begin(self, stream: BinaryIO, sheet: ExportSheet) -> None:
        """Open the array."""
        self._file = whole_file(stream, sheet.options, self.extension)
        self._objects = _Objects(sheet)
        self._has_rows = False
        self._file.write(self.around.opening)

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, one per line."""
        if rows:
            self._part()
            self._file.write(self._objects.text(rows, self.around.between))

    def finish(self) -> None:
        """Close the array."""
        self._file.write(self.around.closing if self._has_rows else self.around.closing_of_none)
        self._file.close()

    def abort(self) -> None:
        """Nothing is held."""

    def write_segment(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, rows: Iterator[Sequence[Sequence[Any]]]
    ) -> JSONObject:
        """Write rows of values."""
        objects = _Objects(sheet)
        blocks = (objects.text(chunk, self.around.between) for chunk in rows if chunk)
        return self.write_copied(stream, sheet, place, blocks)

    def write_copied(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, blocks: Iterator[bytes]
    ) -> JSONObject:
        """Write rows that PostgreSQL wrote."""
        del place
        part = segment_file(stream, sheet.options)
        before = b""
        for block in blocks:
            part.write(before)
            part.write(block)
            before = self.around.between
        return part.close()

    def join(self, stream: BinaryIO, sheet: ExportSheet, segments: Iterator[KeptSegment]) -> None:
        """Put the segments into one array."""
        self.begin(stream, sheet)
        for segment in segments:
            if segment.rows:
                self._part()
                self._file.take_over(segment)
        self.finish()

    def _part(self) -> None:
        """Part the rows that follow from those before them."""
        if self._has_rows:
            self._file.write(self.around.between)
        self._has_rows = True


class NdjsonExporter(JsonExporter):
    """Writes one object a line: for programs that read row by row."""

    format = "ndjson"
    label = "NDJSON"
    content_type = "application/x-ndjson"
    extension = "ndjson"
    around = Seams(between=b"\n", closing=b"\n")


class _Objects:
    """Writes rows of values as objects.

    Args:
        sheet: columns and options.
    """

    def __init__(self, sheet: ExportSheet) -> None:
        keys = [encode_basestring(column.id).replace("%", "%%") for column in sheet.columns]
        self._form = "{" + ",".join(f"{key}:%s" for key in keys) + "}"
        decimals, large = _decimals_as_text(sheet), _large_as_text(sheet)
        self._writings = [
            json_writing(column.type, decimals_as_text=decimals, large_as_text=large) for column in sheet.columns
        ]

    def text(self, rows: Sequence[Sequence[Any]], between: bytes) -> bytes:
        """Return the objects of rows, with what stands between two of them.

        A lone surrogate, which SQLite's JSON may hold and UTF-8 can't, is written as JSON's escape.
        """
        cells = [write(held) for write, held in zip(self._writings, zip(*rows, strict=True), strict=True)]
        text = between.decode().join([self._form % values for values in zip(*cells, strict=True)])
        return text.encode("utf-8", "backslashreplace")


def _decimals_as_text(sheet: ExportSheet) -> bool:
    return sheet.options.get("decimals", "text") == "text"


def _large_as_text(sheet: ExportSheet) -> bool:
    return sheet.options.get("largeIntegers") == "text"
