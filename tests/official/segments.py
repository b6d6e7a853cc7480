"""Files that are made in segments, by another exporter each, as workers do that die and are followed by others."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from gridkit_django.exports import ExportColumn, ExportSheet, KeptSegment, Seams, SegmentedExporter, SegmentPlace
from gridkit_django.exports.growing import GrowingFile
from gridkit_django.exports.scratch import ScratchFile

ZONE = ZoneInfo("America/New_York")
Rows = Sequence[Sequence[Any]]
TYPED = (
    ExportColumn("text", "Text", "text"),
    ExportColumn("whole", "Whole", "integer"),
    ExportColumn("exact", "Exact", "decimal", decimals=2),
    ExportColumn("real", "Real", "float"),
    ExportColumn("truth", "Truth", "boolean"),
    ExportColumn("day", "Day", "date"),
    ExportColumn("moment", "Moment", "datetime"),
    ExportColumn("clock", "Clock", "time"),
)
"""A column of each type that files can have values of."""


def sheet_of(*columns: ExportColumn, rows: int = 0, **more: Any) -> ExportSheet:
    """Return what an exporter is told."""
    made = ExportSheet(
        title="Products",
        columns=columns,
        options=more.pop("options", {}),
        created_at=datetime(2026, 5, 17, 12, 4, tzinfo=UTC),
        owner_label="ann",
        total_rows=rows,
        time_zone=ZONE,
    )
    return replace(made, **more)


def in_segments(
    exporter: type[SegmentedExporter], sheet: ExportSheet, rows: Rows, sizes: Sequence[int] = (), chunk: int = 3
) -> bytes:
    """Write rows in segments of these sizes, and what is left in a last one; what can grow, grows to the same file."""
    sheet = replace(sheet, total_rows=len(rows))
    ends = [sum(sizes[: count + 1]) for count in range(len(sizes))]
    parts = [rows[start:end] for start, end in zip([0, *ends], [*ends, len(rows)], strict=True)]
    kept = list(_kept(exporter, sheet, parts, chunk))
    stream = io.BytesIO()
    exporter().join(stream, sheet, iter(kept))
    seams = exporter.seams(sheet)
    if seams is not None:
        assert grown(seams, kept) == stream.getvalue()
    return stream.getvalue()


def grown(seams: Seams, kept: Sequence[KeptSegment]) -> bytes:
    """Return the file that grows with these segments."""
    file = ScratchFile(os.memfd_create("whole"), None, 2**30, lambda: None)
    try:
        growing = GrowingFile(file, seams)
        for segment in kept:
            segment.stream.seek(0)
            growing.take_over(segment)
        growing.close(sum(segment.rows for segment in kept))
        size, checksum = file.finish()
        found = file.stream.read()
    finally:
        file.discard()
    assert (size, checksum) == (len(found), hashlib.sha256(found).hexdigest())
    return found


def _kept(
    exporter: type[SegmentedExporter], sheet: ExportSheet, parts: Sequence[Rows], chunk: int
) -> Iterator[KeptSegment]:
    first = 0
    for number, part in enumerate(parts):
        place = SegmentPlace(number, first)
        stream = io.BytesIO()
        chunks = iter([part[start : start + chunk] for start in range(0, len(part), chunk)])
        facts = exporter().write_segment(stream, sheet, place, chunks)
        stream.seek(0)
        yield KeptSegment(place, len(part), stream, facts)
        first += len(part)
