"""What a PDF file of a table takes: GridKit's exporter beside one plain WeasyPrint document.

In processes of their own. The plain one takes minutes, so it runs once, with runs of ours before and after it: the
processor's time of a run depends on what else the machine does, and a median of several says more than one.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tests.benchmarks.export.pdf_tables import COLUMNS

TURNS = {
    1_000: ("gridkit", "plain", "gridkit") * 3,
    10_000: ("gridkit", "gridkit", "plain", "gridkit", "gridkit", "gridkit"),
}
"""Rows of a table, and which way is measured when."""


def run() -> Iterator[str]:
    """Compare by the processor's time and the memory above the start of each process."""
    for rows, turns in TURNS.items():
        yield _compared(rows, turns)


def _compared(rows: int, turns: Sequence[str]) -> str:
    title = f"PDF of {rows:,} rows of {len(COLUMNS)} columns"
    found: dict[str, list[dict[str, Any]]] = {"plain": [], "gridkit": []}
    for way in turns:
        found[way].append(_in_process(way, rows))
    base = statistics.median(one["seconds"] for one in found["plain"])
    lines = [_line(way, runs, base) for way, runs in found.items()]
    under = "  time: processor, median (least to most); memory: most above a worker that wrote 20 rows"
    return "\n".join([title, "-" * len(title), *lines, under])


def _line(way: str, runs: Sequence[dict[str, Any]], base: float) -> str:
    seconds = sorted(one["seconds"] for one in runs)
    median = statistics.median(seconds)
    spread = f"({seconds[0]:.1f} to {seconds[-1]:.1f}, {len(runs)} runs)"
    memory = max(one["megabytes"] for one in runs)
    return (
        f"{way:<10}{median:>8.2f} s {spread:<26}{memory:>7.0f} MB{runs[0]['bytes'] / 1e6:>7.1f} MB file"
        f"{median / base:>9.4f}{base / median:>7.1f} times less"
    )


def _in_process(way: str, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.export.pdf_tables", way, str(rows)]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told
