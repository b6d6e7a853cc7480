"""Ranges of an order: the rows after one row, up to and with another, exact under ties and NULLs.

A range is named by the sort keys at its two ends and not by a number of rows, so that whoever reads it again gets the
same stretch, whatever was added or taken away before it meanwhile. Two neighbours share no row and leave none out.

Rows without a value in the first term are a stretch of their own: ``OR a IS NULL`` would keep PostgreSQL from its index
(``gridkit_django.grids.keyset``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from gridkit_django.grids.columns.base import nothing
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.sorting import OrderTerm

Keys = tuple[Any, ...]
"""The sort keys of a row, one for each term; None where it has no value."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows that one statement reads.

    Attributes:
        condition: which rows they are; empty for all.
        uniform: whether all of them, or none, have a value in the first term.
    """

    condition: Q
    uniform: bool


@dataclass(frozen=True, slots=True)
class Order:
    """The order of an export.

    Attributes:
        terms: the last one is unique.
        frame: the time zone and the database.
    """

    terms: Sequence[OrderTerm]
    frame: Frame

    def ordered(self, rows: QuerySet[Any], stretch: Stretch) -> QuerySet[Any]:
        """Return the rows of a stretch, in order."""
        first, *others = self.terms
        ordering = first.ordering(natural_nulls=stretch.uniform), *(term.ordering() for term in others)
        found = rows.filter(stretch.condition) if stretch.condition else rows
        return found.order_by(*ordering)

    def stretches(self, after: Keys | None, end: Keys | None, *, apart: bool = False) -> Iterator[Stretch]:
        """Yield what to read one after the other for the rows after one row, up to and with another.

        Args:
            after: keys of the row before the range, or None for its start at the first row.
            end: keys of the last row of the range, or None for all rows that follow.
            apart: also of all rows, those without a value in the first term are a stretch of their own.
        """
        first = self.terms[0]
        if after is None and end is None and not apart:
            yield Stretch(Q(), uniform=not first.nullable)
        elif not first.nullable:
            yield Stretch(self._between(after, end), uniform=True)
        else:
            yield from self._stretches_by_null(first, after, end)

    def _stretches_by_null(self, first: OrderTerm, after: Keys | None, end: Keys | None) -> Iterator[Stretch]:
        """Yield the part with values in the first term and the part without, as far as the range touches them."""
        started = after is None
        for without in (first.nulls_first, not first.nulls_first):
            begins = not started and after is not None and (after[0] is None) is without
            started = started or begins
            if not started:
                continue
            ends = end is not None and (end[0] is None) is without
            condition = Q((f"{first.path}__isnull", without))
            yield Stretch(condition & self._between(after if begins else None, end if ends else None), uniform=True)
            if ends:
                return

    def _between(self, after: Keys | None, end: Keys | None) -> Q:
        """Return the condition of a range whose ends lie where all rows, or none, have a value in the first term."""
        later = Q() if after is None else _bounded(self.terms, after, self.frame, inclusive=False)
        backwards = [term.reversed() for term in self.terms]
        earlier = Q() if end is None else _bounded(backwards, end, self.frame, inclusive=True)
        return later & earlier


def _bounded(terms: Sequence[OrderTerm], keys: Keys, frame: Frame, *, inclusive: bool) -> Q:
    """Return the condition "after this row", for rows that are all like it in having a value in the first term.

    The first comparison bounds what an index has to be read for; the rest decides.
    """
    (term, *inner), (key, *inner_keys) = terms, keys
    if key is None:
        return _beyond(inner, tuple(inner_keys), frame, inclusive=inclusive) if inner else _all_or_none(inclusive)
    bound = Q((f"{term.path}__{'lte' if term.descending else 'gte'}", term.column.operand(key, frame)))
    if not inner and inclusive:
        return bound
    later = _later(term, key, frame)
    if not inner:
        return later
    return bound & (later | (_same(term, key, frame) & _beyond(inner, tuple(inner_keys), frame, inclusive=inclusive)))


def _beyond(terms: Sequence[OrderTerm], keys: Keys, frame: Frame, *, inclusive: bool) -> Q:
    """Return the condition "after this row" (or "at it or after it"), among rows with and without values."""
    (term, *inner), (key, *inner_keys) = terms, keys
    if key is None:
        later = Q((f"{term.path}__isnull", False)) if term.nulls_first else nothing()
    else:
        later = _later(term, key, frame)
        if term.nullable and not term.nulls_first:
            later |= Q((f"{term.path}__isnull", True))
    if inner:
        return later | (_same(term, key, frame) & _beyond(inner, tuple(inner_keys), frame, inclusive=inclusive))
    return later | _same(term, key, frame) if inclusive else later


def _later(term: OrderTerm, key: Any, frame: Frame) -> Q:
    return Q((f"{term.path}__{'lt' if term.descending else 'gt'}", term.column.operand(key, frame)))


def _same(term: OrderTerm, key: Any, frame: Frame) -> Q:
    if key is None:
        return Q((f"{term.path}__isnull", True))
    return Q((f"{term.path}__exact", term.column.operand(key, frame)))


def _all_or_none(inclusive: bool) -> Q:
    return Q() if inclusive else nothing()
