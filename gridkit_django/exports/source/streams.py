"""What a running ``COPY … TO STDOUT`` sends, in lists of rows.

psycopg gives row by row, and sets up a wait for each one. Most rows are there already, since the server sends many at
once: here they are taken from libpq directly, and psycopg waits when the server has sent none.

Rows are held as ``bytes``. Python's garbage collector looks at each ``memoryview`` that is held, and would go through
all that the process has in memory again and again: with everything of Django there, it took twice as long as the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gridkit_django.exceptions import ExportError

ErrorOf = Callable[[Any], Exception]


class CopyStream:
    """The rows of one ``COPY``, to be iterated once, inside of the context of ``copy``.

    Args:
        copy: psycopg's ``Copy``, with the server about to send.
        most: bytes of one list, about: it is full with the row that brings it there.
        error_of: makes the error of a result by which the server broke off.
        head: bytes before the first row, which come with it.
        end: what the server sends after the last row as if it were one; empty where there is nothing.

    Attributes:
        rows: how many rows arrived until now.
    """

    def __init__(self, copy: Any, most: int, error_of: ErrorOf, *, head: int = 0, end: bytes = b"") -> None:
        self.rows = 0
        self._copy = copy
        self._most = most
        self._error_of = error_of
        self._head = head
        self._end = end
        self._written = -1

    def __iter__(self) -> Iterator[list[bytes]]:
        """Yield the rows.

        Raises:
            ExportError: when fewer rows arrived than the server wrote.
            psycopg.Error: when the server broke off.
        """
        for rows in self._lists():
            if not self.rows and self._head:
                rows[0] = rows[0][self._head :]
            if self._end and rows[-1] == self._end:
                rows.pop()
            self.rows += len(rows)
            if rows:
                yield rows
        if self._written not in (-1, self.rows):
            raise ExportError(f"The database wrote {self._written} rows, and {self.rows} arrived. Try again.")

    def _lists(self) -> Iterator[list[bytes]]:
        server = self._copy.connection.pgconn
        take = server.get_copy_data
        rows: list[bytes] = []
        held = 0
        while True:
            size, row = take(1)
            if not size:
                server.consume_input()  # libpq reads a few rows at a time; more of them may have come meanwhile
                size, row = take(1)
            if size < 0:
                self._close()
                break
            if not size:
                row = self._copy.read()
                if not row:
                    self._written = self._copy.cursor.rowcount
                    break
                size = len(row)
            rows.append(bytes(row))
            held += size
            if held >= self._most:
                yield rows
                rows, held = [], 0
        if rows:
            yield rows

    def _close(self) -> None:
        """Read how the server ended it, which follows the last row at once."""
        connection = self._copy.connection.pgconn
        results = []
        while (result := connection.get_result()) is not None:
            results.append(result)
        for result in results:
            if result.error_message:
                raise self._error_of(result)
            if result.command_tuples is not None:
                self._written = result.command_tuples
