"""Reads one window of ordered rows, forward or backward, with one row more to know whether others follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import F, Index, OrderBy, Q, QuerySet

from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.keyset import branches_after
from gridkit_django.grids.quick_points import quick_points
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
        found = self._read(_segments(self.terms) if self._apart(self.terms[0]) else [Q()], self.terms, start, end + 1)
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
        return self._read(branches_after(terms, keys, self.frame), terms, 0, most)

    def _read(self, branches: Sequence[Q], terms: Sequence[OrderTerm], start: int, end: int) -> list[Values]:
        """Read branches one after the other, from the row ``start`` up to ``end`` of all their rows.

        PostgreSQL does it within one statement, and leaves the later branches alone when the first gives enough.

        Raises:
            QueryTooSlowError: when the database takes longer than the site allows.
        """
        with query_limit(self.rows.db), quick_points(self.rows.db):
            if len(branches) == 1:
                return list(self._ordered(branches[0], terms)[start:end])
            if connections[self.rows.db].vendor == "postgresql":
                first, *more = (self._ordered(branch, terms)[:end] for branch in branches)
                return list(first.union(*more, all=True)[start:end])
            return self._read_in_turns(branches, terms, end)[start:]

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
