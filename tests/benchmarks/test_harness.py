"""The harness compares within rounds, in turns, and says under what conditions."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from tests.benchmarks.harness import compare, machine, table
from tests.servers.processes import ROOT


class Clock:
    """A clock that only variants move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        self.now += seconds


def test_compare_gives_the_median_ratio_within_rounds_and_takes_turns() -> None:
    clock, order = Clock(), ""

    def run(name: str, seconds: float) -> None:
        nonlocal order
        order += name
        clock.spend(seconds)

    first, second = compare({"a": lambda: run("a", 1.0), "b": lambda: run("b", 3.0)}, rounds=4, clock=clock)

    assert (first.ratio, second.ratio, second.median) == (1.0, 3.0, 3.0)
    assert order == "ab" + "ab" + "ba" + "ab" + "ba"
    assert gc.isenabled()


def test_compare_with_too_few_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        compare({"a": int}, rounds=3)


def test_table_shows_each_variant_and_the_conditions() -> None:
    clock = Clock()
    text = table("T", compare({"one": lambda: clock.spend(0.002)}, clock=clock), conditions={"rows": 7})

    assert "one" in text
    assert "2.000 ms" in text
    assert "  rows: 7" in text
    assert "cores" in machine()


def test_an_unknown_benchmark_is_named_and_fails() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "No benchmark is called nothing" in done.stderr
