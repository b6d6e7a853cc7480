"""The one source of rows for every format: the grid's own question, in its order, with bounded memory.

Rows are read in takes. A take is a range of the order and is named by the sort keys at its ends, so that the next take
begins exactly where one ended, in this process or in another one: no row comes twice and none is left out that was
there all the time, whatever is added, changed or taken away meanwhile. Inside of ``snapshot`` all takes see one state.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Subquery

from gridkit_django.exceptions import ExportChangedError, ExportTooLargeError
from gridkit_django.exports.copying import CopyShape
from gridkit_django.exports.source.cells import Conversion, conversion, convert_rows, naming
from gridkit_django.exports.source.copies import CopyTake, why_not_copied, zone_name
from gridkit_django.exports.source.keylabels import key_labels
from gridkit_django.exports.source.plainness import marks_exactly, stored_as_is
from gridkit_django.exports.source.ranges import Keys, Order
from gridkit_django.exports.source.reader import Reader
from gridkit_django.exports.source.snapshots import snapshot_connection, why_no_snapshot
from gridkit_django.exports.source.sqlcells import csv_cell, json_cell
from gridkit_django.exports.source.takes import Rows, RowTake, Span
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.cursors import query_seal
from gridkit_django.grids.group_rows import plain
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import compile_query
from gridkit_django.typing import JSONValue

CHUNK_ROWS = 2000


class RowSource:
    """The rows of one export.

    Args:
        access: the grid as its user may see it.
        query: sort, filter, search and columns; its window plays no part.
        labels: give choices, and keys of other grids' rows, by label instead of by stored value.

    Attributes:
        columns: the columns, in the order of the values in each row.
        named: where the labels of keys come from, by the ids of the columns that are given by them.
        zone: the time zone in which points in time are shown.
        alias: the database that the rows are in.
        why_not_resumable: why no take can begin where another one ended; empty when one can.
    """

    def __init__(self, access: GridAccess, query: GridQuery, *, labels: bool = False) -> None:
        compiled = compile_query(access, query)
        rows = plain(compiled.rows)
        self.columns = compiled.columns
        self.zone = compiled.frame.zone
        self.alias = rows.db
        self._labels = labels
        self._terms = compiled.terms
        self._seal = query_seal(access, compiled.query)
        self._reader = Reader(rows, Order(compiled.terms, compiled.frame), connections[self.alias])
        by_id = {column.id: column for column in self.columns}
        self.named = key_labels(access, by_id, self.alias) if labels else {}
        self._read = self._what_is_read()
        self._conversions = [self._conversion(access, column, compiled.query) for column in self.columns]
        self.why_not_resumable = self._why_not_resumable()

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """What the statements run on."""
        return self._reader.connection

    @property
    def resumable(self) -> bool:
        """Whether a take can begin where another one ended. If not, take all rows at once."""
        return not self.why_not_resumable

    @property
    def why_no_snapshot(self) -> str:
        """Why ``snapshot`` can't be used on this database; empty when it can."""
        return why_no_snapshot(connections[self.alias])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that is read in the block see one state of the data, on a connection of its own.

        What the process has written and not committed yet is not seen. When the process dies, the state is lost: then
        an export begins again.

        Raises:
            ExportError: where ``why_no_snapshot`` has something against it.
        """
        with snapshot_connection(connections[self.alias]) as connection:
            self._reader.connection = connection
            try:
                yield
            finally:
                self._reader.connection = connections[self.alias]

    def count_up_to(self, limit: int) -> int:
        """Return how many rows there are, counting no farther than ``limit``.

        Raises:
            QueryNotComputableError: when the database can't compute which rows they are.
        """
        return self._reader.count(limit)

    def total(self, limit: int) -> int:
        """Return how many rows there are now.

        Args:
            limit: rows at most.

        Raises:
            ExportTooLargeError: when there are more rows than ``limit``.
            QueryNotComputableError: when the database can't compute which rows they are.
        """
        found = self.count_up_to(limit + 1)
        if found > limit:
            raise ExportTooLargeError(too_large(limit))
        return found

    def take(self, after: JSONValue = None, rows: int | None = None, *, chunk: int = CHUNK_ROWS) -> RowTake:
        """Return the next rows, to be iterated once.

        Args:
            after: the bookmark of the take before, or None for the first one.
            rows: how many; None for all that follow.
            chunk: rows of one list at most.

        Raises:
            ExportChangedError: when the bookmark belongs to another order, or to other columns.
        """
        paths, places = self._read
        convert = partial(convert_rows, places=places, conversions=self._conversions)
        return RowTake(self._span(after, rows), paths=paths, convert=convert, chunk=chunk)

    def _what_is_read(self) -> tuple[list[str | Subquery], list[list[int]]]:
        """Return what is read of each row, once each, and where each column's part of it stands."""
        paths: list[str | Subquery] = list(dict.fromkeys(column.path for column in self.columns))
        places = [[paths.index(column.path)] for column in self.columns]
        for column, place in zip(self.columns, places, strict=True):
            named = self.named.get(column.id)
            if named is not None and named.in_sql:
                place.append(len(paths))
                paths.append(named.expression())
        return paths, places

    def _conversion(self, access: GridAccess, column: Column, query: GridQuery) -> Conversion | None:
        named = self.named.get(column.id)
        if named is None:
            return conversion(column, self.zone, labels=self._labels)
        grouped = any(term.col == column.id for term in query.group)
        return naming(access, column, read=named.in_sql, grouped=grouped)

    def why_not_copied(self, shape: CopyShape) -> str:
        """Return why the database can't write the rows in a shape, so that ``copy`` must not be used; empty if it can.

        Args:
            shape: how the rows would be written.
        """
        return why_not_copied(self.columns, self.named, self.connection, self.zone, shape)

    def copy(self, after: JSONValue, rows: int | None, shape: CopyShape) -> CopyTake:
        """Return the next rows as the database writes them, to be iterated once: blocks of whole rows.

        Only where ``why_not_copied`` has nothing against it. The connection does nothing else meanwhile.

        Args:
            after: the bookmark of the take before, or None for the first one.
            rows: how many; None for all that follow.
            shape: how the rows are written.

        Raises:
            ExportChangedError: when the bookmark belongs to another order, or to other columns.
        """
        write = partial(csv_cell, alone=len(self.columns) == 1) if shape.kind == "csv" else json_cell
        cells = [write(column, shape, labels=self._labels, named=self.named.get(column.id)) for column in self.columns]
        zone = zone_name(self.zone)
        return CopyTake(self._span(after, rows), cells=cells, shape=shape, zone=zone)

    def _span(self, after: JSONValue, rows: int | None) -> Span:
        return Span(self._reader, self._keys(after), rows, self._mark)

    def _why_not_resumable(self) -> str:
        columns = [term.column for term in self._terms]
        if read := [column.id for column in columns if not stored_as_is(column, self.connection)]:
            names = ", ".join(read)
            return f"The order depends on columns whose fields read something into what the database holds: {names}."
        if shown := [column.id for column in columns if not marks_exactly(column)]:
            names = ", ".join(shown)
            return f"The order depends on columns that are not written as the database holds them: {names}."
        return ""

    def _mark(self, keys: Keys) -> JSONValue:
        pairs = zip(self._terms, keys, strict=True)
        return {"order": self._seal, "keys": [term.column.to_cursor(key) for term, key in pairs]}

    def _keys(self, bookmark: JSONValue) -> Keys | None:
        if bookmark is None:
            return None
        held: Any = bookmark
        if not isinstance(held, dict) or held.get("order") != self._seal:
            raise ExportChangedError(
                "The grid, its columns or the owner's rights have changed since this export began, so that it can't go "
                "on where it stopped. Ask for it again."
            )
        return tuple(term.column.from_cursor(raw) for term, raw in zip(self._terms, held["keys"], strict=True))


def iter_rows(access: GridAccess, query: GridQuery, *, chunk: int = CHUNK_ROWS, limit: int) -> Iterator[Rows]:
    """Yield all rows of a query in chunks.

    Args:
        access: the grid as its user may see it.
        query: sort, filter, search and columns.
        chunk: rows of one list at most.
        limit: rows in all at most.

    Raises:
        ExportTooLargeError: when there are more rows than ``limit``.
    """
    source = RowSource(access, query)
    source.total(limit)
    yield from source.take(chunk=chunk)


def too_large(limit: int) -> str:
    """Return the text of a refusal."""
    return f"The selection has more than {limit} rows, the most that this export takes. Filter it further."
