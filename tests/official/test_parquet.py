"""Parquet files, read back with pyarrow's reader."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridkit_django.exports import ExportColumn
from gridkit_plugins.export.exporters.parquet import ParquetExporter
from tests.official.segments import TYPED, ZONE, in_segments, sheet_of

COLUMNS = (
    *TYPED,
    ExportColumn("key", "Key", "uuid"),
    ExportColumn("data", "Data", "json"),
    ExportColumn("kind", "Kind", "choice"),
)
MOMENT = datetime(2026, 5, 17, 12, 4, 9, 123456, tzinfo=UTC)
ROW: list[Any] = [
    "=1+1 é", 2**62, Decimal("12345678901234567890.1"), 0.1, True, date(1850, 1, 1), MOMENT.astimezone(ZONE),
    time(5, 17), UUID(int=7), {"a": [1]}, 3,
]  # fmt: skip
GAPS: list[Any] = [None] * len(ROW)


def read(data: bytes) -> Any:
    return pq.read_table(io.BytesIO(data))


@pytest.mark.parametrize("sizes", [(), (1,), (0, 2, 3)])
def test_values_keep_their_types_and_every_digit_however_the_rows_are_cut(sizes: Sequence[int]) -> None:
    table = read(in_segments(ParquetExporter, sheet_of(*COLUMNS), [ROW, GAPS, ROW, GAPS, ROW], sizes, chunk=2))

    assert table.num_rows == 5
    first, gap, *_ = (list(row.values()) for row in table.to_pylist())
    assert first == [
        *ROW[:2], Decimal("12345678901234567890.10"), *ROW[3:8], str(UUID(int=7)), '{"a": [1]}', "3",
    ]  # fmt: skip
    assert first[6].tzinfo is not None
    assert gap == GAPS
    assert table.schema.field("exact").type == pa.decimal128(38, 2)
    assert table.schema.field("moment").type == pa.timestamp("us", tz="America/New_York")


def test_labels_and_facts_of_the_export_are_metadata() -> None:
    schema = read(in_segments(ParquetExporter, sheet_of(*COLUMNS), [])).schema

    assert schema.names == [column.id for column in COLUMNS]
    assert schema.field("text").metadata[b"label"] == b"Text"
    assert (schema.metadata[b"title"], schema.metadata[b"owner"]) == (b"Products", b"ann")
    assert schema.metadata[b"time_zone"] == b"America/New_York"


def test_what_is_no_number_is_null_and_a_moment_without_a_zone_is_of_the_grids() -> None:
    columns = (ExportColumn("exact", "E", "decimal", decimals=2), COLUMNS[6], ExportColumn("free", "F", "decimal"))
    naive = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - as a site without time zones has it
    (row,) = read(
        in_segments(ParquetExporter, sheet_of(*columns), [[Decimal("NaN"), naive, Decimal("1.50")]])
    ).to_pylist()

    assert row == {"exact": None, "moment": naive.replace(tzinfo=ZONE), "free": "1.50"}


@pytest.mark.parametrize(("option", "expected"), [("zstd", "ZSTD"), ("snappy", "SNAPPY"), ("none", "UNCOMPRESSED")])
def test_the_compression_is_the_one_asked_for(option: str, expected: str) -> None:
    data = in_segments(ParquetExporter, sheet_of(COLUMNS[0], options={"compression": option}), [["a"]])
    assert pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0).compression == expected
