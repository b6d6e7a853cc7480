"""Tallies: rounds of quick calls, kept as time stamps and counted many at a time.

Counting one call takes longer than a small handler does. A round leaves its stamps here, which is one append; a
hundred rounds are then counted column by column, by functions that run in C.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import sub
from typing import TypeAlias

from gridkit_django.plugins.stats import CallStats, CpuMeter

ROUNDS_MAX = 128
_NS = 1_000_000_000

Stamps: TypeAlias = Sequence[int]
"""When a round began and when each of its calls ended, by ``perf_counter_ns``: the end of one is the start of the
next."""


class Tally:
    """Keeps the rounds of one route.

    Args:
        calls: for each call of a round in its order, its accounting and the processor meter of its plugin.
    """

    __slots__ = ("_calls", "_count_lock", "_is_awaited", "_rounds")

    def __init__(self, calls: Iterable[tuple[CallStats, CpuMeter]]) -> None:
        self._calls = tuple(calls)
        self._rounds: deque[Stamps] = deque()
        self._is_awaited = False
        self._count_lock = threading.Lock()

    def add(self, stamps: Stamps) -> None:
        """Keep a round in which every call was made, was quick and raised nothing."""
        rounds = self._rounds
        rounds.append(stamps)
        if not self._is_awaited:
            self._be_awaited()
        elif len(rounds) >= ROUNDS_MAX:
            self.count()

    def count(self) -> None:
        """Count all rounds that are kept."""
        with self._count_lock:
            # In this order: a round that comes in between is either taken here, or says anew that it waits.
            for stats, meter in self._calls:
                stats.counted(self.count)
                meter.counted(self.count)
            self._is_awaited = False
            rounds = [self._rounds.popleft() for _ in range(len(self._rounds))]
            if rounds and _second(rounds[0]) == _second(rounds[-1]):
                self._count(rounds)
            else:
                for _, together in groupby(rounds, key=_second):
                    self._count(list(together))

    def _be_awaited(self) -> None:
        self._is_awaited = True
        for stats, meter in self._calls:
            stats.await_count(self.count)
            meter.await_count(self.count)

    def _count(self, rounds: Sequence[Stamps]) -> None:
        """Count rounds of the same second."""
        columns = list(zip(*rounds, strict=True))
        spent: dict[CpuMeter, int] = {}
        for (stats, meter), begun, ended in zip(self._calls, columns, columns[1:], strict=False):
            total = stats.add_quick(sorted(map(sub, ended, begun)))
            spent[meter] = spent.get(meter, 0) + total
        for meter, cpu_ns in spent.items():
            meter.add(cpu_ns, rounds[0][0])


def _second(stamps: Stamps) -> int:
    return stamps[0] // _NS
