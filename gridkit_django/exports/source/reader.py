"""Runs the statements of an export: on the connection of the process, or on one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet, Subquery

from gridkit_django.exports.source.ranges import Keys, Order
from gridkit_django.grids.quick_points import quick_points_on
from gridkit_django.grids.time_limit import computable

Values = tuple[Any, ...]

PAGE_ROWS = 10_000
"""Rows that are held at once where the database has no cursor of its own that stays open beside other statements."""


class Reader:
    """Reads ranges of the rows.

    Args:
        rows: which rows, in no order.
        order: their order.
        connection: what the statements run on.
    """

    def __init__(self, rows: QuerySet[Any], order: Order, connection: BaseDatabaseWrapper) -> None:
        self.rows = rows
        self.order = order
        self.connection = connection

    @property
    def has_cursors(self) -> bool:
        """Whether a statement can stay open, row by row, while others run."""
        disabled = self.connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
        return not disabled and self.connection.vendor in ("postgresql", "oracle")

    def count(self, most: int) -> int:
        """Return how many rows there are, counting no farther than ``most``."""
        return self._number(self.rows.order_by().values("pk")[:most])

    def end_of(self, after: Keys | None, size: int, within: Keys | None = None) -> Keys | None:
        """Return the sort keys of the row that is ``size`` rows after another; None when fewer rows follow.

        Args:
            after: keys of a row, or None for the start.
            size: how many rows; at least 1.
            within: keys of the last row that plays a part, or None.
        """
        paths = [term.path for term in self.order.terms]
        left = size
        stretches = list(self.order.stretches(after, within))
        for stretch in stretches:
            found = self.order.ordered(self.rows, stretch).values_list(*paths)
            last = next(self._values(found[left - 1 : left]), None)
            if last is not None or stretch is stretches[-1]:
                return last
            left = max(1, left - self._number(found.order_by().values("pk")))
        return None

    def chunks(
        self, after: Keys | None, end: Keys | None, paths: Sequence[str | Subquery], size: int
    ) -> Iterator[list[Values]]:
        """Yield the rows of a range in lists of ``size`` at most.

        Args:
            after: keys of the row before the range, or None.
            end: keys of its last row, or None for all that follow.
            paths: what is read of each row.
            size: rows of one list.
        """
        for stretch in self.order.stretches(after, end):
            found = self._values(self.order.ordered(self.rows, stretch).values_list(*paths), open_for=size)
            while chunk := list(islice(found, size)):
                yield chunk

    def _number(self, found: QuerySet[Any, Any]) -> int:
        try:
            sql, parameters = found.query.get_compiler(connection=self.connection).as_sql()
        except EmptyResultSet:
            return 0
        with computable(), self.connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM ({sql}) counted", parameters)  # noqa: S608 - Django wrote it
            return int(cursor.fetchone()[0])

    def _values(self, found: QuerySet[Any, Any], *, open_for: int = 0) -> Iterator[Values]:
        """Ask, and yield tuples; row by row when ``open_for`` tells how many are fetched at once."""
        chunked = bool(open_for) and self.has_cursors
        compiler: Any = found.query.get_compiler(connection=self.connection)
        with computable():
            with quick_points_on(self.connection):
                rows = compiler.results_iter(tuple_expected=True, chunked_fetch=chunked, chunk_size=open_for or 1)
            yield from rows if chunked else list(rows)
