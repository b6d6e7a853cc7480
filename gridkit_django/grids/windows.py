"""Reads one window of ordered rows, forward or backward, with one row more to know whether others follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.keyset import branches_after
from gridkit_django.grids.sorting import OrderTerm

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
        found = list(self._ordered(self.rows, self.terms)[start : end + 1])
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
        """Read the branches one after the other until there are enough rows."""
        found: list[Values] = []
        for branch in branches_after(terms, keys, self.frame):
            found.extend(self._ordered(self.rows.filter(branch), terms)[: most - len(found)])
            if len(found) == most:
                break
        return found

    def _ordered(self, rows: QuerySet[Any], terms: Sequence[OrderTerm]) -> QuerySet[Any, Values]:
        return rows.order_by(*(term.ordering() for term in terms)).values_list(*self.paths)
