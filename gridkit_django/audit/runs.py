"""Sets of record ids as unbroken runs: ``[(1, 5), (8, 8)]`` is 1 to 5 and 8. Ascending, apart from each other."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import TypeAlias

Run: TypeAlias = tuple[int, int]
"""The first and the last id of an unbroken run."""

LOWEST = -(2**63)
HIGHEST = 2**63 - 1
"""The ends of what an id can be; a forged one may be negative."""


def runs_of(ids: Iterable[int]) -> list[Run]:
    """Return the runs of ids that come in ascending order."""
    found: list[Run] = []
    for number in ids:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def merged(runs: Iterable[Run]) -> list[Run]:
    """Return the union of runs that come in any order."""
    found: list[Run] = []
    for first, last in sorted(runs):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def gaps(runs: Iterable[Run], first: int, last: int) -> list[Run]:
    """Return what is not in the runs, from ``first`` to ``last``."""
    found: list[Run] = []
    for start, end in runs:
        if start > last:
            break
        if start > first:
            found.append((first, start - 1))
        first = max(first, end + 1)
    if first <= last:
        found.append((first, last))
    return found


def common(runs: Iterable[Run], others: Sequence[Run]) -> list[Run]:
    """Return what is in both."""
    found: list[Run] = []
    for first, last in runs:
        # Thousands of runs meet thousands: the ones before are not looked at.
        for place in range(bisect_left(others, first, key=itemgetter(1)), len(others)):
            start, end = others[place]
            if start > last:
                break
            found.append((max(first, start), min(last, end)))
    return found


def size(runs: Iterable[Run]) -> int:
    """Return how many ids are in the runs."""
    return sum(last - first + 1 for first, last in runs)


def ids_in(runs: Iterable[Run]) -> Iterator[int]:
    """Yield the ids in the runs."""
    for first, last in runs:
        yield from range(first, last + 1)
