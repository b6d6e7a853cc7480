"""Writes rows in every way to the same file: values in one go, values in segments, and as PostgreSQL writes them."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from gridkit_django.exports import CopiedExporter, ExportColumn, ExportSheet, KeptSegment, SegmentPlace
from gridkit_django.exports.rows import RowSource
from gridkit_django.grids import Grid, GridAccess
from gridkit_django.grids.query import GridQuery
from gridkit_django.typing import JSONValue


def sheet_of(source: RowSource, **options: Any) -> ExportSheet:
    columns = tuple(ExportColumn(column.id, f"-{column.label}", column.type) for column in source.columns)
    return ExportSheet("Things", columns, options, datetime(2026, 5, 17, tzinfo=UTC), "ann", 0, source.zone)


def ways(
    grid: type[Grid],
    exporter: type[CopiedExporter],
    size: int,
    *,
    zone: str = "UTC",
    user: User | None = None,
    columns: Sequence[str] | None = None,
    **options: Any,
) -> list[bytes]:
    """Write the file in each way that this database has: values in one go, values in segments, copied in segments."""
    access = GridAccess(grid, user or User(username="ann"))
    query = {"tz": zone} if columns is None else {"tz": zone, "columns": list(columns)}
    source = RowSource(access, GridQuery.from_dict(query), labels=exporter.shows_labels(options))
    sheet = sheet_of(source, **options)
    files = [in_one_go(source, sheet, exporter()), in_segments(source, sheet, exporter(), size, copied=False)]
    shape = exporter.shape(sheet)
    if connection.vendor == "postgresql":
        assert shape is not None
        assert source.why_not_copied(shape) == ""
        files.append(in_segments(source, sheet, exporter(), size, copied=True))
    return [unpacked(file, options.get("compress")) for file in files]


def unpacked(file: bytes, compress: str | None) -> bytes:
    """Unpack a file with Python's own readers; its checksums are looked at, too."""
    if compress == "gzip":
        return gzip.decompress(file)
    if compress != "zip":
        return file
    with zipfile.ZipFile(io.BytesIO(file)) as packed:
        (name,) = packed.namelist()
        assert packed.testzip() is None
        return packed.read(name)


def in_one_go(source: RowSource, sheet: ExportSheet, exporter: CopiedExporter) -> bytes:
    stream = io.BytesIO()
    exporter.begin(stream, sheet)
    for rows in source.take(chunk=2):
        exporter.write(rows)
    exporter.finish()
    return stream.getvalue()


def in_segments(source: RowSource, sheet: ExportSheet, exporter: CopiedExporter, size: int, *, copied: bool) -> bytes:
    kept: list[KeptSegment] = []
    after: JSONValue = None
    while True:
        place = SegmentPlace(len(kept), sum(segment.rows for segment in kept))
        part = io.BytesIO()
        if copied:
            shape = exporter.shape(sheet)
            assert shape is not None
            copy = source.copy(after, size, shape)
            facts = exporter.write_copied(part, sheet, place, iter(copy))
            rows, after = copy.rows, copy.bookmark
        else:
            take = source.take(after, size, chunk=2)
            facts = exporter.write_segment(part, sheet, place, iter(take))
            rows, after = take.rows, take.bookmark
        part.seek(0)
        kept.append(KeptSegment(place, rows, part, facts))
        if after is None:
            break
    whole = io.BytesIO()
    exporter.join(whole, sheet, iter(kept))
    return whole.getvalue()


def same(files: Sequence[bytes]) -> bytes:
    for file in files[1:]:
        assert file == files[0]
    return files[0]
