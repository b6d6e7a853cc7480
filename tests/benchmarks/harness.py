"""Paired benchmarks: the variants take turns in one process, so that whatever slows the machine slows all of them.

A single long run of A and then of B compares two moments of the machine. Here every round runs each variant once, in
an order that turns from round to round, and the figure is the median over the rounds of the ratio within a round.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import django

Variant = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Measured:
    """One variant's figures.

    Attributes:
        name: What it is called.
        seconds: Its time in every round.
        ratio: Median over the rounds of its time divided by the first variant's in the same round.
    """

    name: str
    seconds: tuple[float, ...]
    ratio: float

    @property
    def median(self) -> float:
        """The median time in seconds."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """The half distance between the quartiles, as a share of the median: how steady the machine was."""
        low, _, high = statistics.quantiles(self.seconds, n=4)
        return (high - low) / 2 / self.median if self.median else 0.0


def compare(
    variants: Mapping[str, Variant], *, rounds: int = 15, clock: Callable[[], float] = time.perf_counter
) -> list[Measured]:
    """Run variants in turns and measure each.

    Args:
        variants: Name to what is run; the first is what the others are compared with. Each runs once unmeasured first.
        rounds: How often each is measured; at least 4, for quartiles to mean something.
        clock: Where the time comes from.

    Returns:
        One entry per variant, in the given order.
    """
    if rounds < 4:
        raise ValueError(f"rounds is {rounds}, expected at least 4: with fewer a median says nothing.")
    names = list(variants)
    times: dict[str, list[float]] = {name: [] for name in names}
    for variant in variants.values():
        variant()
    for index in range(rounds):
        turn = index % len(names)
        for name in [*names[turn:], *names[:turn]]:
            times[name].append(_once(variants[name], clock))
    base = times[names[0]]
    return [
        Measured(name, tuple(spent), statistics.median(mine / its for mine, its in zip(spent, base, strict=True)))
        for name, spent in times.items()
    ]


def _once(variant: Variant, clock: Callable[[], float]) -> float:
    """Time one run with the garbage collector at rest."""
    gc.collect()
    gc.disable()
    try:
        started = clock()
        variant()
        return clock() - started
    finally:
        gc.enable()


def table(title: str, measured: Sequence[Measured], *, conditions: Mapping[str, object]) -> str:
    """Return the printed form of one comparison: figures in milliseconds, and what they were measured under."""
    head = [title, "-" * len(title), f"{'variant':<44}{'median':>12}{'spread':>9}{'ratio':>9}"]
    rows = [
        f"{entry.name:<44}{entry.median * 1e3:>9.3f} ms{entry.spread:>8.0%}{entry.ratio:>9.2f}" for entry in measured
    ]
    under = [f"  {name}: {value}" for name, value in {**conditions, "rounds": len(measured[0].seconds)}.items()]
    return "\n".join([*head, *rows, *under])


def machine() -> str:
    """Return one line that says what the figures were measured on."""
    versions = f"Python {platform.python_version()}, Django {django.get_version()}"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, {versions}, load {load:.1f}"


def _processor() -> str:
    """Return the processor's name."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
