"""Accounting of calls into plugins: how often, how long, how many failed. Kept in the process, safe between threads.

Quick calls are not counted one by one: a ``Tally`` keeps their time stamps and counts many at once, at the latest when
somebody reads the figures.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gridkit_django.plugins.histogram import Histogram

NEWEST = 256
_CPU_WINDOW_SECONDS = 60
_NS = 1_000_000_000


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
        p50_ms: the median of the newest calls (some hundred), in milliseconds, to within a tenth.
        p95_ms: the 95th percentile of the newest calls, in milliseconds, to within a tenth.
        last_error: class and text of the newest error, empty for none.
        skipped: how many calls were left out, because those before were too slow.
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
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class CallDelta:
    """What was counted since it was taken the last time.

    Attributes:
        calls: how often.
        errors: how many calls raised.
        slow: how many calls took longer than the budget.
        skipped: how many calls were left out.
        wall_ns: wall time of the calls, in nanoseconds.
        cpu_ns: processor time of the calls, in nanoseconds.
        histogram: how long the calls took.
    """

    calls: int
    errors: int
    slow: int
    skipped: int
    wall_ns: int
    cpu_ns: int
    histogram: Histogram


class Counted:
    """Something that is counted later: it knows what waits to be counted for it."""

    def __init__(self) -> None:
        self._waiting: set[Callable[[], None]] = set()

    def await_count(self, count: Callable[[], None]) -> None:
        """Call ``count`` before somebody reads."""
        self._waiting.add(count)

    def counted(self, count: Callable[[], None]) -> None:
        """Nothing waits there any more."""
        self._waiting.discard(count)

    def _catch_up(self) -> None:
        for count in tuple(self._waiting):
            count()


class CallStats(Counted):
    """Counts the calls of one handler or method.

    Args:
        name: what is called, for people.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._calls = self._errors = self._failing = self._slow = self._skipped = 0
        self._wall_ns = self._cpu_ns = 0
        self._taken = (0, 0, 0, 0, 0, 0)
        self._untaken, self._newest, self._before = Histogram(), Histogram(), Histogram()
        self._taken_times = Histogram()
        self._in_newest = 0
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
        self._catch_up()
        with self._lock:
            self._add(1, wall_ns, cpu_ns)
            self._spread((wall_ns,), 1)
            self._slow += wall_ns > budget_ms * 1_000_000
            if error is not None:
                self._failing += 1
                self._errors += 1
                self._last_error = describe(error)
            else:
                self._failing = 0

    def add_quick(self, calls: int, total_ns: int, spread: Iterable[tuple[Sequence[int], int]]) -> None:
        """Count calls that raised nothing and were so short that their processor time is their wall time.

        Args:
            calls: how many.
            total_ns: how long they took together, in nanoseconds.
            spread: how long single ones of them took, the shortest first, and for how many calls each of these stands.
        """
        with self._lock:
            self._add(calls, total_ns, total_ns)
            for durations, each in spread:
                self._spread(durations, each)
            self._failing = 0

    def skip(self) -> None:
        """Count a call that was left out."""
        with self._lock:
            self._skipped += 1

    def figures(self) -> CallFigures:
        """Return what was counted until now."""
        self._catch_up()
        with self._lock:
            newest = Histogram()
            newest.merge(self._before)
            newest.merge(self._newest)
            return CallFigures(
                name=self.name,
                calls=self._calls,
                errors=self._errors,
                failing=self._failing,
                slow=self._slow,
                total_ms=self._wall_ns / 1e6,
                cpu_ms=self._cpu_ns / 1e6,
                p50_ms=newest.percentile(50),
                p95_ms=newest.percentile(95),
                last_error=self._last_error,
                skipped=self._skipped,
            )

    def totals(self) -> tuple[int, int, int]:
        """Return how many calls there were until now, how many raised, and their wall time in nanoseconds."""
        self._catch_up()
        with self._lock:
            return self._calls, self._errors, self._wall_ns

    def times(self) -> Histogram:
        """Return how long all calls until now took."""
        self._catch_up()
        found = Histogram()
        with self._lock:
            found.merge(self._taken_times)
            found.merge(self._untaken)
        return found

    def take(self) -> CallDelta:
        """Return what was counted since this was called the last time."""
        self._catch_up()
        with self._lock:
            now = (self._calls, self._errors, self._slow, self._skipped, self._wall_ns, self._cpu_ns)
            calls, errors, slow, skipped, wall_ns, cpu_ns = (
                count - before for count, before in zip(now, self._taken, strict=True)
            )
            histogram, self._taken, self._untaken = self._untaken, now, Histogram()
            self._taken_times.merge(histogram)
        return CallDelta(calls, errors, slow, skipped, wall_ns, cpu_ns, histogram)

    def _add(self, calls: int, wall_ns: int, cpu_ns: int) -> None:
        """Count calls; the lock is held."""
        self._calls += calls
        self._wall_ns += wall_ns
        self._cpu_ns += cpu_ns
        if self._in_newest >= NEWEST:
            self._before, self._newest, self._in_newest = self._newest, Histogram(), 0
        self._in_newest += calls

    def _spread(self, durations: Sequence[int], each: int) -> None:
        """Count how long calls took, the shortest first; the lock is held."""
        counted = Histogram()
        counted.add_sorted(durations, each)
        self._newest.merge(counted)
        self._untaken.merge(counted)


class CpuMeter(Counted):
    """The processor time of one plugin's calls over the last minute."""

    def __init__(self) -> None:
        super().__init__()
        self._spent: dict[int, int] = {}
        self._started_at = time.perf_counter_ns()
        self._lock = threading.Lock()

    def add(self, cpu_ns: int, at_ns: int | None = None) -> None:
        """Add the processor time of calls.

        Args:
            cpu_ns: in nanoseconds.
            at_ns: when, by ``perf_counter_ns``; None for now.
        """
        now = time.perf_counter_ns()
        second = (now if at_ns is None else at_ns) // _NS
        with self._lock:
            self._spent[second] = self._spent.get(second, 0) + cpu_ns
            if len(self._spent) > 2 * _CPU_WINDOW_SECONDS:
                since = now // _NS - _CPU_WINDOW_SECONDS
                self._spent = {at: spent for at, spent in self._spent.items() if at >= since}

    def percent(self) -> float:
        """Return the share of one core, in percent of the wall time of the last minute (or since the start)."""
        now = time.perf_counter_ns()
        since = max(now - _CPU_WINDOW_SECONDS * _NS, self._started_at)
        return 100 * self._spent_since(since) / max(now - since, _NS)

    def share_of_minute(self) -> float:
        """Return the same in percent of a whole minute: what just began has not used up its share yet."""
        window = _CPU_WINDOW_SECONDS * _NS
        return 100 * self._spent_since(time.perf_counter_ns() - window) / window

    def _spent_since(self, since_ns: int) -> int:
        self._catch_up()
        with self._lock:
            return sum(cpu_ns for second, cpu_ns in self._spent.items() if second >= since_ns // _NS)


def describe(error: BaseException) -> str:
    """Return class and text of an error in one line of at most 500 characters.

    Further lines stay in the log: there databases and validators show values of a row.
    """
    text = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {text}"[:500]
