"""The keys of an order that no index serves: asked for once, kept in a file, and taken from there part by part.

Without it each part of such an order would read and sort the whole table. The keys are as of one moment; the rows are
read by them later, so a row that left meanwhile is left out, and none comes twice.
"""

from __future__ import annotations

import json
import tempfile
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from gridkit_django.exports.source.ranges import Keys

KEYS_AT_ONCE = 2000
"""Keys that are written, or named in one statement, at once."""

_MEMORY_BYTES = 1_000_000
"""Up to so many bytes nothing is written to a disk."""


class KeySpool:
    """The primary keys of all rows from a place on, in their order, to be taken once and from front to back.

    Args:
        after: sort keys of the row before the first one, or None.
        size: rows of one take; None for all.
    """

    def __init__(self, after: Keys | None, size: int | None) -> None:
        self._size = size
        self._begins = after
        self._is_between = True
        self._marks: deque[Keys] = deque()
        self._left = 0
        self._held: list[Any] = []
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - goes with this object
        weakref.finalize(self, self._file.close)

    def fill(self, blocks: Iterable[tuple[list[Any], Callable[[int], Keys]]]) -> None:
        """Keep all keys.

        Args:
            blocks: the keys of the next rows, and what gives the sort keys of one of them by its place.
        """
        for keys, marked in blocks:
            self._file.write(json.dumps(keys).encode() + b"\n")
            if self._size is not None:
                first = self._size - 1 - self._left % self._size
                self._marks.extend(marked(place) for place in range(first, len(keys), self._size))
            self._left += len(keys)
        self._file.seek(0)

    def goes_on(self, after: Keys | None, size: int | None) -> bool:
        """Whether the next take begins after this row, and has so many."""
        return self._is_between and self._size == size and self._begins == after

    def take(self, most: int) -> Iterator[list[Any]]:
        """Yield the keys of the next take in lists of ``most`` at most, to be read to its end."""
        self._is_between = False
        size = self._left if self._size is None else min(self._left, self._size)
        self._left -= size
        while size:
            self._held = self._held or json.loads(self._file.readline())
            part = self._held[: min(size, most)]
            del self._held[: len(part)]
            size -= len(part)
            yield part
        if self._left:
            self._begins = self._marks.popleft()
            self._is_between = True

    @property
    def end(self) -> Keys | None:
        """Sort keys of the last row that was taken; None when no row follows."""
        return self._begins if self._left else None
