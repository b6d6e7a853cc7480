"""Runs the statements of an export: on the connection of the process, or on one of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, IntegerField, QuerySet, Subquery, UUIDField
from django.db.models.expressions import RawSQL
from django.db.models.sql.constants import MULTI

from gridkit_django.exports.source.ranges import Keys, Order
from gridkit_django.exports.source.spools import KEYS_AT_ONCE, KeySpool
from gridkit_django.grids.quick_points import quick_points_on
from gridkit_django.grids.time_limit import computable

Values = tuple[Any, ...]
_SORTED = "USE TEMP B-TREE FOR ORDER BY"
"""What SQLite says of a statement for which it sorts all rows."""

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
        self._counted: int | None = None
        self._sorts: bool | None = None
        self._spool: KeySpool | None = None

    @property
    def has_cursors(self) -> bool:
        """Whether a statement can stay open, row by row, while others run."""
        disabled = self.connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
        return not disabled and self.connection.vendor in ("postgresql", "oracle")

    def count(self, most: int) -> int:
        """Return how many rows there are, counting no farther than ``most``."""
        self._counted = self._number(self.rows.order_by().values("pk")[:most])
        return self._counted

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

    def spool(self, after: Keys | None, size: int | None) -> KeySpool | None:
        """Return the kept keys of the rows that follow; None where they are better read in ranges.

        They are kept on SQLite, where each page is a statement of its own, for orders that it would sort each time.

        Args:
            after: keys of the row before, or None for the start.
            size: rows of one take; None for all.
        """
        if self._spool is not None and self._spool.goes_on(after, size):
            return self._spool
        if self._sorts is None:
            self._sorts = self._has_to_sort()
        if not self._sorts:
            return None
        self._spool = KeySpool(after, size)
        self._spool.fill(self._keys(after))
        return self._spool

    def by_keys(self, keys: Sequence[Any], paths: Sequence[str | Subquery]) -> list[Values]:
        """Return the rows with these primary keys that are there still, in the order of the keys.

        Args:
            keys: as a spool gives them.
            paths: what is read of each row; more may come after it.
        """
        names = list(dict.fromkeys([*paths, "pk"]))
        # One parameter, however many keys: it takes Django as long to prepare them as SQLite to find the rows.
        wanted = RawSQL("SELECT value FROM json_each(%s)", [json.dumps(keys)])
        found = _Raw(self.rows.filter(pk__in=wanted).order_by().values_list(*names), self.connection)
        place = names.index("pk")
        by_key = {row[place]: row for block in found.blocks() for row in block}
        return found.converted(by_key[key] for key in keys if key in by_key)

    def _has_to_sort(self) -> bool:
        few = self._counted is not None and self._counted <= PAGE_ROWS
        if few or self.connection.vendor != "sqlite" or not _has_plain_key(self.rows):
            return False
        for stretch in self.order.stretches(None, None, apart=True):
            try:
                ordered = self.order.ordered(self.rows, stretch).values("pk")
                sql, parameters = ordered.query.get_compiler(connection=self.connection).as_sql()
            except EmptyResultSet:
                continue
            with computable(), self.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
                if any(_SORTED in step[-1] for step in cursor.fetchall()):
                    return True
        return False

    def _keys(self, after: Keys | None) -> Iterator[tuple[list[Any], Callable[[int], Keys]]]:
        """Yield the primary keys of all rows that follow, as they are stored, with what gives their sort keys."""
        terms = [term.path for term in self.order.terms]
        names = list(dict.fromkeys([*terms, "pk"]))
        places, key = [names.index(path) for path in terms], names.index("pk")
        for stretch in self.order.stretches(after, None, apart=True):
            found = _Raw(self.order.ordered(self.rows, stretch).values_list(*names), self.connection)
            for block in found.blocks():
                yield [row[key] for row in block], partial(_sort_keys, found, block, places)

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


class _Raw:
    """A question whose answer is taken as the database gives it, and turned into Python's values where that is needed.

    Args:
        found: the question.
        connection: what it runs on.
    """

    def __init__(self, found: QuerySet[Any, Any], connection: BaseDatabaseWrapper) -> None:
        self._compiler: Any = found.query.get_compiler(connection=connection)

    def blocks(self) -> Iterator[list[Values]]:
        """Ask, and yield the rows in lists."""
        with computable():
            yield from self._compiler.execute_sql(MULTI, chunked_fetch=True, chunk_size=KEYS_AT_ONCE)

    def converted(self, rows: Iterable[Values]) -> list[Values]:
        """Return rows of the answer as Django gives them."""
        converters = self._compiler.get_converters([item[0] for item in self._compiler.select])
        return [tuple(row) for row in self._compiler.apply_converters(rows, converters)]


def _sort_keys(found: _Raw, block: Sequence[Values], places: Sequence[int], at: int) -> Keys:
    (row,) = found.converted([block[at]])
    return tuple(row[place] for place in places)


def _has_plain_key(rows: QuerySet[Any]) -> bool:
    """Whether a primary key as it is stored can be asked for, and stands for just that row."""
    key = rows.model._meta.pk
    return isinstance(key, (IntegerField, CharField, UUIDField)) and type(key).__module__.startswith("django.")
