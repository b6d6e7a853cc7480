"""Takes whose rows PostgreSQL writes: ``COPY`` of the grid's own question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, tzinfo
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from gridkit_django.exports.copying import CopyShape
from gridkit_django.exports.source.keylabels import KeyLabels
from gridkit_django.exports.source.plainness import shows_stored, stored_as_is
from gridkit_django.exports.source.sessions import knows_zone, writing_as
from gridkit_django.exports.source.sqlcells import SqlCell
from gridkit_django.exports.source.sqlobjects import json_object
from gridkit_django.exports.source.streams import CopyStream
from gridkit_django.exports.source.takes import Span, Take
from gridkit_django.grids.columns import Column
from gridkit_django.grids.time_limit import computable

_NAME = re.compile(r"[A-Za-z0-9_. -]{1,63}")
BLOCK_BYTES = 256 * 1024
"""What a block is to hold, about."""

_HEAD_BYTES = 19
"""What stands before the first row of the binary format, in the same message."""
_ROW_BYTES = 6
"""What stands before the text of a row there: the number of columns, which is 1, and how long the text is."""
_END = b"\xff\xff"
"""What comes after the last row there."""


class CopyTake(Take):
    """A take that gives blocks of bytes: whole rows, joined by what the shape wants between them.

    Args:
        cells: the expressions of the columns.
        shape: how the rows are written.
        zone: name of the time zone in which points in time are shown.
    """

    def __init__(self, span: Span, *, cells: Sequence[SqlCell], shape: CopyShape, zone: str) -> None:
        super().__init__(span)
        self._cells = cells
        self._shape = shape
        self._zone = zone

    def __iter__(self) -> Iterator[bytes]:
        """Yield the blocks.

        Raises:
            QueryNotComputableError: when the database can't compute the rows.
            ExportError: when the connection does not give row by row, as PostgreSQL's own protocol does.
        """
        end = self._end()
        for stretch in self._reader.order.stretches(self._after, end):
            yield from self._copied(self._reader.order.ordered(self._reader.rows, stretch))
        self._finish(end)

    def _copied(self, rows: QuerySet[Any]) -> Iterator[bytes]:
        named = {f"gridkit_{index}": cell for index, cell in enumerate(self._cells)}
        question = rows.annotate(**named).values_list(*named)
        try:
            sql, parameters = question.query.get_compiler(connection=self._reader.connection).as_sql()
        except EmptyResultSet:
            return
        with computable(), writing_as(self._reader.connection, self._zone):
            statement = _statement(sql, self._shape, self._cells)
            # psycopg reads %% as % only where there are parameters.
            yield from self._run(statement if parameters else statement % (), parameters)

    def _run(self, statement: str, parameters: Sequence[Any]) -> Iterator[bytes]:
        connection: Any = self._reader.connection
        before = self.rows
        with ExitStack() as stack:
            stack.enter_context(connection.wrap_database_errors)
            cursor: Any = stack.enter_context(connection.cursor())
            copy = stack.enter_context(cursor.copy(statement, parameters))
            head, end = (_HEAD_BYTES, _END) if self._shape.kind == "json" else (0, b"")
            error_of = connection.Database.errors.error_from_result
            stream = CopyStream(copy, BLOCK_BYTES, error_of, head=head, end=end)
            for lines in stream:
                self.rows = before + stream.rows
                yield _joined(lines, self._shape)


def _statement(sql: str, shape: CopyShape, cells: Sequence[SqlCell]) -> str:
    if shape.kind == "csv":
        return f"COPY ({sql}) TO STDOUT (FORMAT csv, DELIMITER '{shape.delimiter}')"
    # The binary format spares PostgreSQL a look at each letter for what would have to be quoted.
    return f"COPY (SELECT {json_object(shape.keys, cells)} FROM ({sql}) AS gridkit) TO STDOUT (FORMAT binary)"  # noqa: S608


def _joined(lines: Sequence[bytes], shape: CopyShape) -> bytes:
    """Return rows as one block; one of CSV has a line feed at its end."""
    if shape.kind == "json":
        return shape.between.join([line[_ROW_BYTES:] for line in lines])
    if shape.between == b"\n":
        return b"".join(lines)[:-1]
    return shape.between.join([line[:-1] for line in lines])


def why_not_copied(
    columns: Sequence[Column],
    named: Mapping[str, KeyLabels],
    connection: BaseDatabaseWrapper,
    zone: tzinfo,
    shape: CopyShape,
) -> str:
    """Return why PostgreSQL can't write these columns in this shape; empty when it can.

    Args:
        columns: the columns of the export.
        named: where the labels of keys come from, by column.
        connection: what the statements run on.
        zone: the time zone in which points in time are shown.
        shape: how the rows would be written.
    """
    if connection.vendor != "postgresql" or getattr(connection, "Database", object).__name__ != "psycopg":
        return "The rows are not in PostgreSQL behind psycopg 3."
    own = [column.id for column in columns if not (shows_stored(column) and stored_as_is(column, connection))]
    if own:
        return f"Columns are written by Python code of this site: {', '.join(own)}."
    if far := [name for name, one in named.items() if not (one.in_sql and stored_as_is(one.label, connection))]:
        return f"The labels of keys come from elsewhere, or are written by Python code of this site: {', '.join(far)}."
    if unnamed := [key for key in shape.keys if not _NAME.fullmatch(key)]:
        return f"Columns have names that PostgreSQL would change: {', '.join(unnamed)}."
    return _why_not_here(connection, zone_name(zone))


def zone_name(zone: tzinfo) -> str:
    """Return the name of a time zone for PostgreSQL; empty when it has none."""
    return "UTC" if zone is UTC else getattr(zone, "key", "")


def _why_not_here(connection: BaseDatabaseWrapper, zone: str) -> str:
    if not zone:
        return "The time zone has no name that PostgreSQL knows."
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_encoding'), current_setting('client_encoding')")
        server, client = cursor.fetchone()
    if (server, client) != ("UTF8", "UTF8"):
        return f"The database holds {server} and sends {client}, where UTF8 is needed."
    return "" if knows_zone(connection, zone) else f"PostgreSQL does not know the time zone {zone}."
