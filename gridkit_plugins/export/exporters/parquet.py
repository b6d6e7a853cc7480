"""Parquet, for tools that analyse data: typed columns, compressed, one row group for each segment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from gridkit_django.exports import ExportColumn, ExportSheet, KeptSegment, SegmentedExporter, SegmentPlace
from gridkit_django.typing import JSONObject
from gridkit_plugins.export.exporters.celltext import cell_text
from gridkit_plugins.export.options import PARQUET_OPTIONS

_DIGITS = 38
"""Digits of a decimal: the most that 128 bits hold."""

_TYPES: Mapping[str, Any] = MappingProxyType(
    {
        "text": pa.string(),
        "integer": pa.int64(),
        "float": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "time": pa.time64("us"),
        "uuid": pa.string(),
    }
)
"""Column type to the type in the file; decimals and points in time depend on more, all else is text."""


class ParquetExporter(SegmentedExporter):
    """Writes typed columns under the ids of the grid's columns; their labels and the title are in the metadata.

    Decimals keep every digit (``decimal128``), points in time are UTC microseconds that name the grid's zone, choices
    are their stored values as text, JSON is text, NULL is null. A decimal that is no number is null.
    """

    format = "parquet"
    label = "Parquet"
    content_type = "application/vnd.apache.parquet"
    extension = "parquet"
    options_schema = PARQUET_OPTIONS

    def write_segment(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, rows: Iterator[Sequence[Sequence[Any]]]
    ) -> JSONObject:
        """Write a file of its own; each chunk is turned into columns at once, which are far smaller than its values."""
        del place
        schema = _schema(sheet)
        readers = [_reader(column, sheet) for column in sheet.columns]
        batches = [_batch(schema, readers, part) for part in rows]
        with pq.ParquetWriter(stream, schema, compression=_compression(sheet)) as writer:
            writer.write_table(pa.Table.from_batches(batches, schema))
        return {}

    def join(self, stream: BinaryIO, sheet: ExportSheet, segments: Iterator[KeptSegment]) -> None:
        """Write the row groups of all segments into one file, one at a time."""
        with pq.ParquetWriter(stream, _schema(sheet), compression=_compression(sheet)) as writer:
            for segment in segments:
                held = pq.ParquetFile(segment.stream)
                for number in range(held.num_row_groups):
                    writer.write_table(held.read_row_group(number))


def _schema(sheet: ExportSheet) -> Any:
    fields = [
        pa.field(column.id, _type(column, sheet), metadata={"label": column.label.encode("utf-8", "replace")})
        for column in sheet.columns
    ]
    told = {
        "title": sheet.title.encode("utf-8", "replace"),
        "owner": sheet.owner_label.encode("utf-8", "replace"),
        "created": sheet.created_at.isoformat(),
        "time_zone": str(sheet.time_zone),
    }
    return pa.schema(fields, metadata=told)


def _type(column: ExportColumn, sheet: ExportSheet) -> Any:
    if column.type == "datetime":
        return pa.timestamp("us", tz=str(sheet.time_zone))
    if column.type == "decimal" and column.decimals is not None:
        return pa.decimal128(_DIGITS, column.decimals)
    return _TYPES.get(column.type, pa.string())


def _reader(column: ExportColumn, sheet: ExportSheet) -> Callable[[Any], Any] | None:
    """Return what brings a value of a column into the form that its type takes, or None for values that are in it."""
    if column.type == "datetime":
        return partial(_in_zone, sheet=sheet)
    if column.type == "decimal" and column.decimals is not None:
        return partial(_exact, unit=Decimal(1).scaleb(-column.decimals))
    return None if column.type in _TYPES and column.type != "uuid" else _text


def _batch(schema: Any, readers: Sequence[Callable[[Any], Any] | None], rows: Sequence[Sequence[Any]]) -> Any:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    values = [
        column if read is None else [None if value is None else read(value) for value in column]
        for read, column in zip(readers, columns, strict=True)
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _in_zone(value: datetime, *, sheet: ExportSheet) -> datetime:
    return value.replace(tzinfo=sheet.time_zone) if value.tzinfo is None else value


def _exact(value: Decimal, *, unit: Decimal) -> Decimal | None:
    return value.quantize(unit) if math.isfinite(value) else None


def _text(value: Any) -> str:
    return cell_text(value).encode("utf-8", "replace").decode()


def _compression(sheet: ExportSheet) -> str:
    return str(sheet.options.get("compression", "zstd"))
