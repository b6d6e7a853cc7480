"""Tallies: rounds of quick calls, kept as time stamps and counted many at a time.

Counting one call takes longer than a small handler does. A round leaves its stamps here, which is one append; some
hundred rounds are then counted column by column, by functions that run in C.

Calls and times are counted exactly. Where rounds are many, the spread (the percentiles) is taken from every eighth of
them; where they are few, from all. Calls that are not quick never come here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from operator import sub
from typing import TypeAlias

from gridkit_django.plugins.stats import CallStats, CpuMeter

ROUNDS_MAX = 512
STAMPS_MAX = 16_384
FEW = 64
ONE_OF = 8
ATTENTIVE_ROUNDS = 100
_NS = 1_000_000_000

Stamps: TypeAlias = Sequence[int]
"""When a round began and when each of its calls ended, by ``perf_counter_ns``: the end of one is the start of the
next."""


class Tally:
    """Keeps the rounds of one route.

    Args:
        calls: for each call of a round in its order, its accounting and the processor meter of its plugin.

    Attributes:
        attentive: at how many rounds to come the thread's processor clock is to be read when they begin, because one
            was not quick. Where all are quick nobody needs it; the first that is not is given the clock since it was
            read last, at most its wall time.
    """

    __slots__ = ("_calls", "_count_lock", "_is_awaited", "_most", "_rounds", "attentive")

    def __init__(self, calls: Iterable[tuple[CallStats, CpuMeter]]) -> None:
        self._calls = tuple(calls)
        self._most = max(FEW, min(ROUNDS_MAX, STAMPS_MAX // (len(self._calls) + 1)))
        self._rounds: deque[Stamps] = deque()
        self._is_awaited = False
        self._count_lock = threading.Lock()
        self.attentive = 0

    def was_long(self) -> None:
        """A round was not quick: read the clock for a while."""
        self.attentive = ATTENTIVE_ROUNDS

    def add(self, stamps: Stamps) -> None:
        """Keep a round in which every call was made, was quick and raised nothing."""
        rounds = self._rounds
        rounds.append(stamps)
        if not self._is_awaited:
            self._be_awaited()
        elif len(rounds) >= self._most:
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
        sums = list(map(sum, zip(*rounds, strict=True)))
        many = len(rounds) - len(rounds) % ONE_OF if len(rounds) >= FEW else 0
        sampled, single = _durations(rounds[:many:ONE_OF]), _durations(rounds[many:])
        spent: dict[CpuMeter, int] = {}
        for number, (stats, meter) in enumerate(self._calls):
            total = sums[number + 1] - sums[number]
            spread = [(found[number], each) for found, each in ((sampled, ONE_OF), (single, 1)) if found]
            stats.add_quick(len(rounds), total, spread)
            spent[meter] = spent.get(meter, 0) + total
        for meter, cpu_ns in spent.items():
            meter.add(cpu_ns, rounds[0][0])


def _durations(rounds: Sequence[Stamps]) -> list[list[int]]:
    """Return for each call of the rounds how long it took, the shortest first; empty for no rounds."""
    columns = list(zip(*rounds, strict=True))
    return [sorted(map(sub, ended, begun)) for begun, ended in pairwise(columns)]


def _second(stamps: Stamps) -> int:
    return stamps[0] // _NS
