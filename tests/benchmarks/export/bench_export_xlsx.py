"""Excel files of 100,000 rows: GridKit's exporter beside other packages and plain openpyxl.

Some take minutes, so each writes once, after a small file that loads what it needs. ``GRIDKIT_BENCH_ROWS`` is heeded up
to 100,000.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.contrib.auth import get_user_model

from gridkit_plugins.export.exporters.xlsx import XlsxExporter
from tests.benchmarks.audit.clock import Clock, driver
from tests.benchmarks.database import server_version
from tests.benchmarks.export import peers
from tests.benchmarks.export.records import ROWS, make_records, sheet_of, source_of

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
    user = get_user_model().objects.create_superuser("bench")
    source = source_of(user)
    sheet = sheet_of(source)

    def gridkit(rows: int, stream: BinaryIO) -> None:
        exporter = XlsxExporter()
        exporter.begin(stream, sheet)
        for chunk in source.take(None, rows, chunk=exporter.chunk_rows):
            exporter.write(chunk)
        exporter.finish()

    yield _table({"GridKit": gridkit, **peers.excel_peers()})


def _table(ways: Mapping[str, peers.Write]) -> str:
    for write in ways.values():
        _once(partial(write, WARM_ROWS))
    costs = {name: _once(partial(write, EXCEL_ROWS)) for name, write in ways.items()}
    base = next(iter(costs.values()))
    title = f"Excel files of {EXCEL_ROWS:,} rows of 12 columns, once each"
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
    before = _forget_peak()
    with tempfile.TemporaryFile() as stream:
        started, spent = time.perf_counter(), clock()
        write(stream)
        wall, processor = time.perf_counter() - started, clock() - spent
        return Cost(wall, processor, _peak() - before, stream.seek(0, 2))


def _forget_peak() -> float:
    """Let the operating system count the peak of memory from here on, and return what is in use (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0
