"""What a PDF file of a table takes: GridKit's exporter beside one plain WeasyPrint document.

In processes of their own, once each, since the plain one takes minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.export.pdf_tables import COLUMNS, WAYS

SIZES = (1_000, 10_000)


def run() -> Iterator[str]:
    """Compare by the processor's time and the memory above the start of each process."""
    for rows in SIZES:
        yield _once(rows)


def _once(rows: int) -> str:
    title = f"PDF of {rows:,} rows of {len(COLUMNS)} columns, once each"
    found = {name: _in_process(name, rows) for name in WAYS}
    base = found["plain"]["seconds"]
    lines = [
        f"{name:<44}{one['seconds']:>9.1f} s{one['megabytes']:>9.0f} MB{one['bytes'] / 1e6:>8.1f} MB file"
        f"{one['seconds'] / base:>9.3f}{base / one['seconds']:>8.1f} times less"
        for name, one in found.items()
    ]
    return "\n".join([title, "-" * len(title), *lines, "  time: processor; memory: above a worker that wrote 20 rows"])


def _in_process(way: str, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.export.pdf_tables", way, str(rows)]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told
