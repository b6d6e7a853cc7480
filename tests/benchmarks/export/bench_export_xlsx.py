"""Excel files of 100,000 rows: GridKit's exporter beside other packages and plain openpyxl.

Some take minutes, so each writes once, after a small file that loads what it needs. With more rows in
``GRIDKIT_BENCH_ROWS``, GridKit alone writes those, too.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from gridkit_plugins.export.exporters.xlsx import XlsxExporter
from tests.benchmarks.audit.clock import Clock, driver
from tests.benchmarks.database import server_version
from tests.benchmarks.export import peers
from tests.benchmarks.export.costs import forget_peak, peak
from tests.benchmarks.export.records import ROWS, bench_user, make_records, sheet_of, source_of

EXCEL_ROWS = min(ROWS, 100_000)
WARM_ROWS = 200


@dataclass(frozen=True, slots=True)
class Cost:
    """What one file took.

    Attributes:
        wall: seconds.
        processor: seconds of client and database.
        megabytes: memory above what the process had when it began.
        size: bytes of the file.
    """

    wall: float
    processor: float
    megabytes: float
    size: int


def run() -> Iterator[str]:
    """Make the table and compare."""
    make_records()
    source = source_of(bench_user())
    sheet = sheet_of(source)

    def gridkit(rows: int, stream: BinaryIO) -> None:
        exporter = XlsxExporter()
        exporter.begin(stream, sheet)
        for chunk in source.take(None, rows, chunk=exporter.chunk_rows):
            exporter.write(chunk)
        exporter.finish()

    yield _table({"GridKit": gridkit, **peers.excel_peers()}, EXCEL_ROWS)
    if ROWS > EXCEL_ROWS:
        yield _table({"GridKit": gridkit}, ROWS)


def _table(ways: Mapping[str, peers.Write], rows: int) -> str:
    for write in ways.values():
        _once(partial(write, WARM_ROWS))
    costs = {name: _once(partial(write, rows)) for name, write in ways.items()}
    base = next(iter(costs.values()))
    title = f"Excel files of {rows:,} rows of 12 columns, once each"
    lines = [
        f"{name:<28}{one.wall:>8.1f} s{one.processor:>8.1f} s processor{one.megabytes:>8.0f} MB"
        f"{one.size / 1e6:>8.1f} MB file{one.wall / base.wall:>8.1f}{one.processor / base.processor:>8.1f}"
        for name, one in costs.items()
    ]
    under = [
        "  at the end: wall and processor time as multiples of the first; memory: above the process before",
        f"  database: {server_version()}",
        f"  driver: {driver()}",
        f"  peers: {peers.versions()}",
    ]
    return "\n".join([title, "-" * len(title), *lines, *under])


def _once(write: Callable[[BinaryIO], object]) -> Cost:
    clock = Clock()
    before = forget_peak()
    with tempfile.TemporaryFile() as stream:
        started, spent = time.perf_counter(), clock()
        write(stream)
        wall, processor = time.perf_counter() - started, clock() - spent
        return Cost(wall, processor, peak() - before, stream.seek(0, 2))
