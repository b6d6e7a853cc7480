"""CSV (RFC 4180): UTF-8, quoted where needed, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, BinaryIO

from gridkit_django.exports import BaseExporter, ExportSheet
from gridkit_plugins.export.exporters.celltext import cell_text
from gridkit_plugins.export.options import CSV_OPTIONS


class CsvExporter(BaseExporter):
    """Writes comma-separated text; the formula guard of the export room has been over every text already.

    Options: ``header`` (``id``, the default, so that scripts can rely on it; ``label``; or ``none``), ``delimiter``,
    and ``bom`` (a byte order mark, by which Excel recognises UTF-8). NULL and the empty text both give an empty cell.
    """

    format = "csv"
    label = "CSV"
    content_type = "text/csv; charset=utf-8"
    extension = "csv"
    formula_guard = True
    options_schema = CSV_OPTIONS

    def begin(self, stream: BinaryIO, sheet: ExportSheet) -> None:
        """Write the byte order mark and the header row, as the options say."""
        encoding = "utf-8-sig" if sheet.options.get("bom") else "utf-8"
        self._text = io.TextIOWrapper(stream, encoding=encoding, newline="", write_through=False)
        self._writer = csv.writer(self._text, delimiter=str(sheet.options.get("delimiter", ",")))
        header = sheet.options.get("header", "id")
        if header != "none":
            self._writer.writerow([getattr(column, str(header)) for column in sheet.columns])

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows."""
        self._writer.writerows([cell_text(value) for value in row] for row in rows)

    def finish(self) -> None:
        """Flush the text layer and leave the stream to the caller."""
        self._text.detach()
