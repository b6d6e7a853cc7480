"""Reads one window of ordered rows, forward or backward, with one row more to know whether others follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections
from django.db.models import F, Index, OrderBy, Q, QuerySet, Value

from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.keyset import branches_after
from gridkit_django.grids.known_questions import Given, KnownRows, known_rows
from gridkit_django.grids.quick_points import quick_points
from gridkit_django.grids.registry import grid_registry
from gridkit_django.grids.sorting import OrderTerm
from gridkit_django.grids.time_limit import query_limit

Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of a window, as tuples of values in the order of the query's paths.

    Attributes:
        values: one tuple per row.
        start: how many rows come before, or None when that is not known.
        has_next: whether rows come after.
        has_previous: whether rows come before.
    """

    values: list[Values]
    start: int | None
    has_next: bool
    has_previous: bool


@dataclass(frozen=True, slots=True)
class WindowReader:
    """Reads windows of one question.

    Attributes:
        rows: the filtered rows, in no order yet.
        terms: the order.
        paths: ORM paths of the values to read.
        frame: the request's time zone and database.
    """

    rows: QuerySet[Any]
    terms: Sequence[OrderTerm]
    paths: Sequence[str]
    frame: Frame

    def at_offset(self, start: int, end: int) -> Slice:
        """Read the rows from ``start`` up to but not including ``end``."""
        found = self._read(self.terms, (), start, end + 1)
        size = end - start
        return Slice(found[:size], start, has_next=len(found) > size, has_previous=start > 0)

    def after(self, keys: Sequence[Any], size: int) -> Slice:
        """Read at most ``size`` rows after the row with these sort keys."""
        found = self._beyond(self.terms, keys, size + 1)
        return Slice(found[:size], None, has_next=len(found) > size, has_previous=True)

    def before(self, keys: Sequence[Any], size: int) -> Slice:
        """Read at most ``size`` rows right before the row with these sort keys, in the same order as ever."""
        found = self._beyond([term.reversed() for term in self.terms], keys, size + 1)
        return Slice(found[:size][::-1], None, has_next=True, has_previous=len(found) > size)

    def _beyond(self, terms: Sequence[OrderTerm], keys: Sequence[Any], most: int) -> list[Values]:
        return self._read(terms, keys, 0, most)

    def _read(self, terms: Sequence[OrderTerm], keys: Sequence[Any], start: int, end: int) -> list[Values]:
        """Read rows from the row ``start`` up to ``end`` of those after the row with these sort keys; of all without.

        They may lie in several branches, one after the other. PostgreSQL reads all within one statement, and leaves the
        later branches alone when the first gives enough.

        Raises:
            QueryTooSlowError: when the database takes longer than the site allows.
        """
        alias = self.rows.db
        with query_limit(alias), quick_points(alias):
            known = known_rows(self.rows) if self._is_remembered(keys, start) else None
            if known is not None:
                return self._answer(known, terms, keys, end)
            branches = self._branches(terms, keys)
            if len(branches) == 1 or self.frame.vendor == "postgresql":
                return list(self._question(branches, terms, start, end))
            return self._read_in_turns(branches, terms, end)[start:]

    def _is_remembered(self, keys: Sequence[Any], start: int) -> bool:
        """Whether the statement is worth to be remembered.

        It is not deep down by offset (the places are endless), and where keys are no plain values to the database.
        """
        return not start and (not keys or self.frame.vendor == "postgresql")

    def _answer(self, known: KnownRows, terms: Sequence[OrderTerm], keys: Sequence[Any], end: int) -> list[Values]:
        """Read rows by a statement that is written once."""
        without = tuple(key is None for key in keys)
        facts = ("window", known.facts, tuple(terms), tuple(self.paths), end, without, self._apart(terms[0]))
        places = range(len(known.given), len(known.given) + len(keys))
        marked = [None if key is None else Given(place) for place, key in zip(places, keys, strict=True)]

        def asking() -> QuerySet[Any, Values]:
            reader = replace(self, rows=known.rows)
            return reader._question(reader._branches(terms, marked), terms, 0, end)  # noqa: SLF001 - its own class

        statement = grid_registry().questions.statement(self.rows.db, facts, asking)
        return statement.answer([*known.given, *(self._stored(*pair) for pair in zip(terms, keys, strict=False))])

    def _stored(self, term: OrderTerm, key: Any) -> Any:
        """Return a sort key in the form in which PostgreSQL takes it."""
        operand = None if key is None else term.column.operand(key, self.frame)
        if isinstance(operand, Value):
            return operand.output_field.get_db_prep_value(operand.value, connections[self.rows.db])
        return term.column.value_field.get_db_prep_value(operand, connections[self.rows.db])

    def _branches(self, terms: Sequence[OrderTerm], keys: Sequence[Any]) -> list[Q]:
        """Return the conditions for the rows after a row, or for all rows, one after the other."""
        if keys:
            return branches_after(terms, keys, self.frame)
        return _segments(terms) if self._apart(terms[0]) else [Q()]

    def _question(
        self, branches: Sequence[Q], terms: Sequence[OrderTerm], start: int, end: int
    ) -> QuerySet[Any, Values]:
        """Return one question for the rows of all branches."""
        if len(branches) == 1:
            return self._ordered(branches[0], terms)[start:end]
        first, *more = (self._ordered(branch, terms)[:end] for branch in branches)
        return first.union(*more, all=True)[start:end]

    def _read_in_turns(self, branches: Iterable[Q], terms: Sequence[OrderTerm], most: int) -> list[Values]:
        found: list[Values] = []
        for branch in branches:
            found.extend(self._ordered(branch, terms)[: most - len(found)])
            if len(found) == most:
                break
        return found

    def _ordered(self, branch: Q, terms: Sequence[OrderTerm]) -> QuerySet[Any, Values]:
        first, *others = terms
        ordering = first.ordering(natural_nulls=self._apart(first)), *(term.ordering() for term in others)
        rows = self.rows.filter(branch) if branch else self.rows
        return rows.order_by(*ordering).values_list(*self.paths)

    def _apart(self, term: OrderTerm) -> bool:
        """Whether rows with and without a value are read apart, because no plain index holds them in this order.

        PostgreSQL's indexes have NULLs last, or first when they are read backwards. The other two orders would cost a
        sort of all rows. A model that declares an index in such an order is taken at its word.
        """
        if self.frame.vendor != "postgresql" or not (term.nullable and term.column.own):
            return False
        if term.nulls_first == term.descending:
            return False
        return not any(_serves(index, term) for index in self.rows.model._meta.indexes)


def _segments(terms: Sequence[OrderTerm]) -> list[Q]:
    """Return the conditions for the rows with a value in the first term and for those without, in order."""
    first = terms[0]
    return [Q((f"{first.path}__isnull", without)) for without in (first.nulls_first, not first.nulls_first)]


def _serves(index: Index, term: OrderTerm) -> bool:
    """Whether an index begins with the column in just this order, or in the reverse of it."""
    head: Any = index.expressions[0] if index.expressions else None
    if not isinstance(head, OrderBy) or head.expression != F(term.column.field.name):
        return False
    nulls_first = bool(head.nulls_first) if head.nulls_first or head.nulls_last else head.descending
    return (head.descending, nulls_first) in (
        (term.descending, term.nulls_first),
        (not term.descending, not term.nulls_first),
    )
