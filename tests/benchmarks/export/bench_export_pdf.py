"""What a PDF file of a table takes: GridKit's exporter beside one plain WeasyPrint document."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.benchmarks.export.pdf_tables import COLUMNS, WAYS, rows_of
from tests.benchmarks.harness import compare, table

ROWS = 1_000
MANY_ROWS = 10_000
ROUNDS = 4


def run() -> Iterator[str]:
    """Compare in turns with 1,000 rows, then once each with 10,000, in processes of their own."""
    rows = rows_of(ROWS)
    variants = {name: partial(way, rows) for name, way in WAYS.items()}
    conditions = {"rows": f"{ROWS:,} of {len(COLUMNS)} columns", "time": "processor"}
    measured = compare(variants, rounds=ROUNDS, clock=time.process_time)
    yield table(f"PDF of {ROWS:,} rows", measured, conditions=conditions)
    yield _once()


def _once() -> str:
    """Return the figures of 10,000 rows, with the memory that each process took above its start."""
    title = f"PDF of {MANY_ROWS:,} rows, once each"
    found = {name: _in_process(name) for name in WAYS}
    base = found["plain"]["seconds"]
    lines = [
        f"{name:<44}{one['seconds']:>9.1f} s{one['megabytes']:>9.0f} MB{one['bytes'] / 1e6:>8.1f} MB file"
        f"{one['seconds'] / base:>9.3f}"
        for name, one in found.items()
    ]
    return "\n".join([title, "-" * len(title), *lines, "  time: processor; memory: above a worker that wrote 20 rows"])


def _in_process(way: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.export.pdf_tables", way, str(MANY_ROWS)]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told
