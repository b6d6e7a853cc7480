"""How many rows the segments of a file get, by how fast they are written.

A segment is what is made again after a worker's death, and each has a price of its own: a question, a file, a row. With
so many rows that one takes a second or so, neither counts.
"""

from __future__ import annotations

SEGMENT_SECONDS = 1.5
"""How long a segment is to take, about."""


class Pace:
    """Tells how many rows the next segment gets.

    Args:
        least: rows of the first segment, and of any other at least.
        most: rows of any segment at most.

    Attributes:
        rows: rows of the next segment.
    """

    def __init__(self, least: int, most: int) -> None:
        self.rows = least
        self._least = least
        self._most = max(least, most)

    def took(self, rows: int, seconds: float) -> None:
        """Learn how long a segment took.

        Args:
            rows: how many it has.
            seconds: how long they took.
        """
        fitting = rows * SEGMENT_SECONDS / seconds if seconds > 0 else self._most
        self.rows = int(max(self._least, min(self._most, fitting)))
