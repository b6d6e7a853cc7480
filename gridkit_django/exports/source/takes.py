"""One go at the rows of an export: so many rows from a place on, and the place where the next go begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Subquery

from gridkit_django.exports.source.ranges import Keys
from gridkit_django.exports.source.reader import PAGE_ROWS, Reader, Values
from gridkit_django.exports.source.spools import KEYS_AT_ONCE, KeySpool
from gridkit_django.typing import JSONValue

Rows = Sequence[Sequence[Any]]
Mark = Callable[[Keys], JSONValue]
"""Turns the sort keys of a row into a bookmark."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows a take is about.

    Attributes:
        reader: what runs the statements.
        after: sort keys of the row before, or None for the start.
        size: how many rows; None for all that follow.
        mark: makes bookmarks.
    """

    reader: Reader
    after: Keys | None
    size: int | None
    mark: Mark


class Take:
    """Rows of an export, from a place on. Iterate it once, to its end; then it knows where the next one begins.

    Args:
        span: which rows.

    Attributes:
        rows: how many rows were given out until now.
        bookmark: where the next take begins, as plain JSON; None before the end, and when no row follows.
    """

    def __init__(self, span: Span) -> None:
        self.rows = 0
        self.bookmark: JSONValue = None
        self._reader = span.reader
        self._after = span.after
        self._size = span.size
        self._mark = span.mark

    def _end(self) -> Keys | None:
        """Find the last row of the take, once, before anything is read."""
        return None if self._size is None else self._reader.end_of(self._after, self._size)

    def _finish(self, end: Keys | None) -> None:
        self.bookmark = None if end is None else self._mark(end)


class RowTake(Take):
    """A take that gives lists of rows.

    Args:
        paths: what is read of each row.
        convert: turns lists of read values into rows.
        chunk: rows of one list at most.
    """

    def __init__(
        self, span: Span, *, paths: Sequence[str | Subquery], convert: Callable[[list[Values]], Rows], chunk: int
    ) -> None:
        super().__init__(span)
        self._paths = paths
        self._convert = convert
        self._chunk = chunk

    def __iter__(self) -> Iterator[Rows]:
        """Yield the rows.

        Raises:
            QueryNotComputableError: when the database can't compute them.
        """
        spool = self._reader.spool(self._after, self._size)
        if spool is not None:
            yield from self._spooled(spool)
            return
        end = self._end()
        for after, until in self._pages(end):
            for found in self._reader.chunks(after, until, self._paths, self._chunk):
                yield self._convert(found)
                self.rows += len(found)
        self._finish(end)

    def _spooled(self, spool: KeySpool) -> Iterator[Rows]:
        for keys in spool.take(min(self._chunk, KEYS_AT_ONCE)):
            if found := self._reader.by_keys(keys, self._paths):
                yield self._convert(found)
                self.rows += len(found)
        self._finish(spool.end)

    def _pages(self, end: Keys | None) -> Iterator[tuple[Keys | None, Keys | None]]:
        """Yield the ranges to be read one after the other; only one where the database has cursors of its own."""
        after, left = self._after, self._size
        while not self._reader.has_cursors and (left is None or left > PAGE_ROWS):
            until = self._reader.end_of(after, PAGE_ROWS, end)
            if until is None:
                break
            yield after, until
            after = until
            left = None if left is None else left - PAGE_ROWS
        yield after, end
