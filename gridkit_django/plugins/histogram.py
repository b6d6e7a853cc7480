"""How long calls took, counted on a logarithmic scale: small, quick to add to, and joined by adding."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

SMALLEST_NS = 64
STEPS_PER_OCTAVE = 4
_OCTAVES = 36

BOUNDS: Final = tuple(
    round(SMALLEST_NS * 2 ** (step / STEPS_PER_OCTAVE)) for step in range(_OCTAVES * STEPS_PER_OCTAVE + 1)
)
"""Where one bucket ends and the next begins, in nanoseconds: from 64 ns to over an hour, each a fifth wider."""


class Histogram:
    """Counts durations in buckets that are each 19 % wider than the one before.

    A percentile is right to within a tenth. Not safe between threads: its owner holds a lock.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def __len__(self) -> int:
        return sum(self._counts.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]

    def add(self, ns: int) -> None:
        """Count one duration, in nanoseconds."""
        bucket = bisect_right(BOUNDS, ns)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1

    def add_sorted(self, durations: Sequence[int], each: int = 1) -> None:
        """Count many durations at once.

        Args:
            durations: in nanoseconds, the shortest first.
            each: for how many calls each of them stands.
        """
        done, counts = 0, self._counts
        while done < len(durations):
            bucket = bisect_right(BOUNDS, durations[done])
            end = bisect_left(durations, BOUNDS[bucket], done) if bucket < len(BOUNDS) else len(durations)
            counts[bucket] = counts.get(bucket, 0) + (end - done) * each
            done = end

    def merge(self, other: Histogram) -> None:
        """Add what another one counted."""
        for bucket, count in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + count

    def minus(self, earlier: Histogram) -> Histogram:
        """Return what was counted since an earlier state of it."""
        rest = {bucket: count - earlier._counts.get(bucket, 0) for bucket, count in self._counts.items()}
        made = Histogram()
        made._counts = {bucket: count for bucket, count in rest.items() if count > 0}
        return made

    def over(self, ms: float) -> int:
        """Return how many calls took longer than so many milliseconds, to within a bucket."""
        return sum(count for bucket, count in self._counts.items() if _middle(bucket) > ms * 1e6)

    def percentile(self, percent: float) -> float:
        """Return the duration that ``percent`` of the calls did not exceed, in milliseconds; 0 when there was none."""
        wanted, seen = len(self) * percent / 100, 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= wanted:
                return _middle(bucket) / 1e6
        return 0.0

    def as_dict(self) -> dict[str, int]:
        """Return it as plain JSON: the number of the bucket to its count."""
        return {str(bucket): count for bucket, count in sorted(self._counts.items())}

    @classmethod
    def from_dict(cls, counts: Mapping[str, int]) -> Histogram:
        """Make one of what ``as_dict`` returned."""
        made = cls()
        made._counts = {int(bucket): int(count) for bucket, count in counts.items()}
        return made


def _middle(bucket: int) -> float:
    """Return the geometric middle of a bucket, in nanoseconds; the bound of a bucket that is open."""
    if bucket == 0:
        return float(BOUNDS[0])
    if bucket >= len(BOUNDS):
        return float(BOUNDS[-1])
    return float((BOUNDS[bucket - 1] * BOUNDS[bucket]) ** 0.5)
