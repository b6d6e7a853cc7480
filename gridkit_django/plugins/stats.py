"""Accounting of calls into plugins: how often, how long, how many failed. Kept in the process, safe between threads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_SAMPLES = 256
_CPU_WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class CallFigures:
    """What was counted until one moment.

    Attributes:
        name: what was called.
        calls: how often.
        errors: how many calls raised.
        failing: how many of the newest calls raised, one after the other.
        slow: how many calls took longer than the budget.
        total_ms: wall time of all calls, in milliseconds.
        cpu_ms: processor time of all calls, in milliseconds.
        p50_ms: the median of the newest calls, in milliseconds.
        p95_ms: the 95th percentile of the newest calls, in milliseconds.
        last_error: class and text of the newest error, empty for none.
    """

    name: str
    calls: int
    errors: int
    failing: int
    slow: int
    total_ms: float
    cpu_ms: float
    p50_ms: float
    p95_ms: float
    last_error: str


class CallStats:
    """Counts the calls of one handler or method.

    Args:
        name: what is called, for people.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._calls = self._errors = self._failing = self._slow = 0
        self._total_ns = self._cpu_ns = 0
        self._newest: deque[int] = deque(maxlen=_SAMPLES)
        self._last_error = ""
        self._lock = threading.Lock()

    def add(self, wall_ns: int, cpu_ns: int, budget_ms: int, error: BaseException | None) -> None:
        """Count one call.

        Args:
            wall_ns: wall time in nanoseconds.
            cpu_ns: processor time in nanoseconds.
            budget_ms: from how many milliseconds on the call was slow.
            error: what it raised.
        """
        with self._lock:
            self._calls += 1
            self._total_ns += wall_ns
            self._cpu_ns += cpu_ns
            self._newest.append(wall_ns)
            self._slow += wall_ns > budget_ms * 1_000_000
            self._failing = 0 if error is None else self._failing + 1
            if error is not None:
                self._errors += 1
                self._last_error = describe(error)

    def figures(self) -> CallFigures:
        """Return what was counted until now."""
        with self._lock:
            newest = sorted(self._newest)
            return CallFigures(
                name=self.name,
                calls=self._calls,
                errors=self._errors,
                failing=self._failing,
                slow=self._slow,
                total_ms=self._total_ns / 1e6,
                cpu_ms=self._cpu_ns / 1e6,
                p50_ms=_percentile(newest, 50),
                p95_ms=_percentile(newest, 95),
                last_error=self._last_error,
            )


class CpuMeter:
    """The processor time of one plugin's calls over the last minute."""

    def __init__(self) -> None:
        self._spent: deque[tuple[float, int]] = deque(maxlen=10_000)
        self._started_at = time.monotonic()

    def add(self, cpu_ns: int) -> None:
        """Add the processor time of one call, in nanoseconds."""
        self._spent.append((time.monotonic(), cpu_ns))

    def percent(self) -> float:
        """Return the share of one core, in percent of the wall time of the last minute (or since the start)."""
        now = time.monotonic()
        since = max(now - _CPU_WINDOW_SECONDS, self._started_at)
        spent = sum(cpu_ns for at, cpu_ns in tuple(self._spent) if at >= since)
        return 100 * spent / 1e9 / max(now - since, 1.0)


@dataclass(slots=True)
class Stopwatch:
    """Wall and processor time of one call, in nanoseconds; both are 0 until it ends."""

    wall_ns: int = 0
    cpu_ns: int = 0


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Measure the block, also when it raises."""
    watch = Stopwatch()
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    try:
        yield watch
    finally:
        watch.wall_ns, watch.cpu_ns = time.perf_counter_ns() - wall, time.thread_time_ns() - cpu


def describe(error: BaseException) -> str:
    """Return class and text of an error in one line of at most 500 characters."""
    return f"{type(error).__name__}: {error}"[:500]


def _percentile(ordered: list[int], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1e6 if ordered else 0.0
