"""CSV, NDJSON and Parquet files read back by DuckDB, which shares no code with the writers: every cell, typed.

The readers of the other formats stand in their own tests: Excel is read by calamine (which pandas uses, too; here it is
used without pandas), openpyxl and LibreOffice, PDF by PDFium (the engine of Chrome), poppler's pdftotext and pypdf.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gridkit_plugins.export.exporters.csv import CsvExporter
from gridkit_plugins.export.exporters.json import NdjsonExporter
from gridkit_plugins.export.exporters.parquet import ParquetExporter
from tests.official.segments import TYPED, ZONE, in_segments, sheet_of

TYPES = {
    "text": "VARCHAR",
    "whole": "BIGINT",
    "exact": "DECIMAL(38, 2)",
    "real": "DOUBLE",
    "truth": "BOOLEAN",
    "day": "DATE",
    "moment": "TIMESTAMP WITH TIME ZONE",
    "clock": "TIME",
}
TEXTS = ["=1+1", 'say "hi", łódź', "two\nlines\r\nmore", " edge ", "مرحبا 数字 🛫", "0012", "\\.", "null", "a\tb;c|d"]
MOMENT = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
ROWS: list[list[Any]] = [
    [
        text, (-1) ** number * (2**63 - 1 - number), Decimal(number * 10**20 + 1).scaleb(-2), 0.1 * 10 ** (3 * number),
        number % 2 == 0, date(1850 + 30 * number, 2, 28),
        MOMENT.replace(day=1 + number, microsecond=number * 100_001).astimezone(ZONE), time(number, 59, 1, number),
    ]
    for number, text in enumerate(TEXTS)
] + [[None] * len(TYPED)]  # fmt: skip

PACKED = {"compress": "gzip"}
WAYS: list[tuple[Any, dict[str, Any], str]] = [
    (CsvExporter, {"guard": False}, "read_csv(?, header = true, columns = {columns})"),
    (CsvExporter, {"guard": False, **PACKED}, "read_csv(?, compression = 'gzip', columns = {columns})"),
    (NdjsonExporter, {}, "read_json(?, format = 'newline_delimited', columns = {columns})"),
    (NdjsonExporter, {"decimals": "number", **PACKED}, "read_json(?, compression = 'gzip', columns = {columns})"),
    (ParquetExporter, {}, "read_parquet(?)"),
]


@pytest.fixture
def duck() -> Iterator[Any]:
    """A database of its own, in memory, on one thread; nothing is loaded from outside."""
    with duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False}) as connection:
        yield connection


@pytest.mark.parametrize(("exporter", "options", "reader"), WAYS)
def test_duckdb_reads_every_cell_as_it_was(
    duck: Any, tmp_path: Path, exporter: Any, options: dict[str, Any], reader: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(in_segments(exporter, sheet_of(*TYPED, options=options), ROWS, sizes=(4, 3)))
    # DuckDB hands points in time to Python by way of a package; as microseconds they need none.
    shown = ", ".join(f"epoch_us({name})" if name == "moment" else name for name in TYPES)

    found = duck.execute(f"SELECT {shown} FROM {reader.format(columns=TYPES)}", [str(file)]).fetchall()

    place = list(TYPES).index("moment")
    expected = [[_microseconds(cell) if at == place else cell for at, cell in enumerate(row)] for row in ROWS]
    assert [list(row) for row in found] == expected


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - datetime(1970, 1, 1, tzinfo=UTC)) // datetime.resolution
