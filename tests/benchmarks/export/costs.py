"""What writing a file costs: wall time, processor time of client and database, and memory, all of the same runs."""

from __future__ import annotations

import gc
import os
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, connections

from tests.benchmarks.audit.clock import Clock

Variant = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one variant took.

    Attributes:
        name: what it is called.
        wall: seconds of each round.
        processor: seconds of client and database of each round.
        megabytes: memory above an idle process that is connected; None where it was not measured.
    """

    name: str
    wall: tuple[float, ...]
    processor: tuple[float, ...]
    megabytes: float | None = None


def compare_costs(variants: Mapping[str, Variant], *, rounds: int, memory: bool = True) -> list[Cost]:
    """Run variants in turns, each once unmeasured first, and measure each.

    Args:
        variants: name to what is run.
        rounds: how often each is measured.
        memory: measure it, too, in a process of its own for each, by one more run.
    """
    peaks = {name: peak_of(variant) if memory else None for name, variant in variants.items()}
    for variant in variants.values():
        variant()
    names, clock = list(variants), Clock()
    wall: dict[str, list[float]] = {name: [] for name in names}
    processor: dict[str, list[float]] = {name: [] for name in names}
    for index in range(rounds):
        turn = index % len(names)
        for name in [*names[turn:], *names[:turn]]:
            seconds, spent = once(variants[name], clock)
            wall[name].append(seconds)
            processor[name].append(spent)
    return [Cost(name, tuple(wall[name]), tuple(processor[name]), peaks[name]) for name in names]


def once(variant: Variant, clock: Clock) -> tuple[float, float]:
    """Run something and return its seconds, by the wall and of the processors."""
    gc.collect()
    gc.disable()
    try:
        spent, started = clock(), time.perf_counter()
        variant()
        return time.perf_counter() - started, clock() - spent
    finally:
        gc.enable()


def cost_table(title: str, costs: Sequence[Cost], *, conditions: Mapping[str, object]) -> str:
    """Return the printed form: medians, and medians of the ratios to the first within a round."""
    head = f"{'variant':<54}{'wall':>9}{'ratio':>7}{'processor':>11}{'ratio':>7}{'spread':>8}{'memory':>9}"
    lines = [_line(cost, costs[0]) for cost in costs]
    told = {**conditions, "rounds": len(costs[0].wall), "memory": "above an idle process that is connected"}
    under = [f"  {name}: {value}" for name, value in told.items()]
    return "\n".join([title, "-" * len(title), head, *lines, *under])


def _line(cost: Cost, base: Cost) -> str:
    wall, processor = statistics.median(cost.wall), statistics.median(cost.processor)
    spread = (max(cost.wall) - min(cost.wall)) / 2 / wall
    memory = "" if cost.megabytes is None else f"{cost.megabytes:>6.1f} MB"
    return (
        f"{cost.name:<54}{wall:>7.3f} s{_ratio(cost.wall, base.wall):>7.2f}"
        f"{processor:>9.3f} s{_ratio(cost.processor, base.processor):>7.2f}{spread:>8.0%}{memory:>9}"
    )


def _ratio(mine: Sequence[float], base: Sequence[float]) -> float:
    if len(mine) != len(base):
        return statistics.median(mine) / statistics.median(base)
    return statistics.median(one / other for one, other in zip(mine, base, strict=True))


def peak_of(variant: Variant) -> float:
    """Return the megabytes that something takes at most above what an idle process has, by a process of its own."""
    connections.close_all()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        told = b"failed"
        try:
            connection.ensure_connection()
            before = forget_peak()
            variant()
            told = str(peak() - before).encode()
        finally:
            os.write(writing, told)
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        told = answer.read()
    os.waitpid(child, 0)
    if told == b"failed":
        raise RuntimeError("The process that measures memory failed.")
    return float(told)


def forget_peak() -> float:
    """Let the operating system count the peak of memory from here on, and return the megabytes in use (Linux)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> float:
    """Return the megabytes that this process has had at most since the peak was forgotten (Linux)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0
