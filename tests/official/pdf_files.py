"""What the tests of PDF files share: writing them in both ways and reading them back."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pypdf
import pypdfium2
from PIL import Image

from gridkit_django.exports import ExportColumn, ExportSheet, KeptSegment, SegmentPlace
from gridkit_plugins.export.exporters.pdf import PdfExporter

COLUMNS = (("key", "Key", "text"), ("price", "Price", "decimal"))


class Drawn(PdfExporter):
    """Draws rows however few they are."""

    full_rows = -1


class LaidOut(PdfExporter):
    """Lets WeasyPrint lay out everything."""

    full_rows = full_cells = 10**6


def sheet_of(
    columns: Sequence[Any] = COLUMNS, *, rows: int = 0, title: str = "Products", **changes: Any
) -> ExportSheet:
    """Return a sheet; columns are ``ExportColumn`` or their first three arguments."""
    made = tuple(column if isinstance(column, ExportColumn) else ExportColumn(*column) for column in columns)
    sheet = ExportSheet(
        title=title,
        columns=made,
        options=changes.pop("options", {}),
        created_at=datetime(2026, 5, 17, 12, 4, tzinfo=UTC),
        owner_label="ann",
        total_rows=rows,
        time_zone=ZoneInfo("America/New_York"),
    )
    return replace(sheet, **changes)


def write_pdf(
    exporter: type[PdfExporter], rows: Sequence[Sequence[Any]], columns: Sequence[Any] = COLUMNS, **changes: Any
) -> bytes:
    """Write a file in one go."""
    stream = io.BytesIO()
    writer = exporter()
    writer.begin(stream, sheet_of(columns, rows=len(rows), **changes))
    try:
        for start in range(0, len(rows), writer.chunk_rows):
            writer.write(rows[start : start + writer.chunk_rows])
        writer.finish()
    except BaseException:
        writer.abort()
        raise
    return stream.getvalue()


def in_segments(
    exporter: type[PdfExporter], parts: Sequence[Sequence[Sequence[Any]]], sheet: ExportSheet
) -> Iterator[KeptSegment]:
    """Write segments with an instance each, as workers that know nothing of each other do."""
    opening: Any = {}
    first = 0
    for number, rows in enumerate(parts):
        stream = io.BytesIO()
        place = SegmentPlace(number, first, opening)
        facts = exporter().write_segment(stream, sheet, place, iter([rows]))
        opening = opening or facts
        first += len(rows)
        yield KeptSegment(place, len(rows), io.BytesIO(stream.getvalue()), facts)


def joined(exporter: type[PdfExporter], parts: Sequence[Sequence[Sequence[Any]]], sheet: ExportSheet) -> bytes:
    """Write a file from segments."""
    stream = io.BytesIO()
    exporter().join(stream, sheet, in_segments(exporter, parts, sheet))
    return stream.getvalue()


def texts_of(data: bytes) -> list[str]:
    """Return the text of each page as pypdf reads it."""
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def words_of(data: bytes) -> list[str]:
    """Return the text of each page as PDFium reads it."""
    document = pypdfium2.PdfDocument(data)
    return [page.get_textpage().get_text_range() for page in document]


def pictures_of(data: bytes, scale: float = 1.5) -> list[Image.Image]:
    """Return a picture of each page."""
    return [page.render(scale=scale).to_pil().convert("L") for page in pypdfium2.PdfDocument(data)]


def keys_of(texts: Sequence[str]) -> list[list[str]]:
    """Return the keys ``k1`` and so on of each page."""
    return [re.findall(r"\bk\d+\b", text) for text in texts]
