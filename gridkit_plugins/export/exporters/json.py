"""JSON: one array of one object per row, written row by row."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, BinaryIO

from gridkit_django.exports import BaseExporter, ExportSheet
from gridkit_plugins.export.exporters.celltext import cell_text


class JsonExporter(BaseExporter):
    """Writes an array of objects with the column ids as keys.

    Integers, floats and booleans are JSON numbers and booleans; decimals are strings, since a JSON number would lose
    digits in most readers; points in time are ISO 8601 strings with their offset; NULL is ``null``, and so is a float
    that JSON can't hold (NaN and the infinities, RFC 8259 section 6).
    """

    format = "json"
    label = "JSON"
    content_type = "application/json"
    extension = "json"

    def begin(self, stream: BinaryIO, sheet: ExportSheet) -> None:
        """Open the array."""
        self._stream = stream
        self._keys = [json.dumps(column.id, ensure_ascii=False) for column in sheet.columns]
        self._separator = "\n"
        self._stream.write(b"[")

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, one per line."""
        if not rows:
            return
        text = ",\n".join(self._object(row) for row in rows)
        self._stream.write((self._separator + text).encode())
        self._separator = ",\n"

    def finish(self) -> None:
        """Close the array."""
        self._stream.write(b"\n]\n")

    def _object(self, row: Sequence[Any]) -> str:
        pairs = zip(self._keys, row, strict=True)
        return "{" + ",".join(f"{key}:{json_text(value)}" for key, value in pairs) + "}"


def json_text(value: Any) -> str:
    """Return ``value`` as JSON text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "null"
    if value is None or isinstance(value, (str, bool, int, float)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(cell_text(value), ensure_ascii=False)
