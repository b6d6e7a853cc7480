"""The one judgement of what shapes an answer: every column that a query names passes the gate, whatever it is for.

What selects rows (filter, search, path) is judged where it is compiled, since no answer comes about without it. The
rest may play no part in the answer at hand: plain rows show no figures, an export shows no groups. It is judged all the
same, or a name that is let through here would be refused there, and tell a hidden column from none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from gridkit_django.exceptions import QueryError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.figures import bind_figure
from gridkit_django.grids.groups import Aggregate, GroupTerm, Include, Pivot
from gridkit_django.grids.keys import bind_key
from gridkit_django.grids.query import GridQuery, SortTerm
from gridkit_django.grids.sorting import bind_term

T = TypeVar("T")


class Taking(Protocol):
    """What is done with a part that is judged."""

    def __call__(self, at: str, read: Callable[[], T]) -> T | None:
        """Return what ``read`` gives, or None to go on without the part that stands at ``at`` (JSON Pointer)."""
        ...


def strictly(at: str, read: Callable[[], T]) -> T | None:
    """Take a part as it is: what ``read`` raises refuses the whole query."""
    del at
    return read()


class ShapeJudge:
    """Judges columns, sort, groups, figures, pivot and facets of queries, each item alone.

    Args:
        access: the gate that the columns come through.
        frame: the time zone and the database.
        at: where the query stands in the request (JSON Pointer).
        taking: what is done with each item; the default refuses the query at the first fault.
    """

    def __init__(self, access: GridAccess, frame: Frame, at: str = "", taking: Taking = strictly) -> None:
        self._access = access
        self._frame = frame
        self._at = at
        self._taking = taking

    def judged(self, query: GridQuery) -> GridQuery:
        """Return what is left of a query; when faults refuse it, that is all of it.

        Raises:
            UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
            QueryError: for anything else that this grid can't do.
        """
        levels = frozenset(term.col for term in query.group)
        aggregates = self._kept(query.aggregates, "aggregates", partial(self._figure, levels))
        pivot = None if query.pivot is None else self._pivot(query.pivot, aggregates)
        names = frozenset(item.name for item in (*aggregates, *(pivot.values if pivot else ())))
        columns = None if query.columns is None else self._kept(query.columns, "columns", self._access.column)
        return replace(
            query,
            columns=columns or None,
            sort=self._kept(query.sort, "sort", partial(self._sorted, names)),
            group=self._keys(query.group, "group"),
            aggregates=aggregates,
            pivot=pivot,
            include=self._include(query.include),
        )

    def _sorted(self, names: frozenset[str], term: SortTerm, at: str) -> object:
        return term.col in names or bind_term(self._access, term, f"{at}/col")

    def _kept(self, items: Sequence[T], name: str, judge: Callable[[T, str], object]) -> tuple[T, ...]:
        """Return the items that ``judge`` does not refuse."""
        return tuple(
            item
            for index, item in enumerate(items)
            if self._taking(place := f"{self._at}/{name}/{index}", partial(_passed, judge, item, place))
        )

    def _keys(self, terms: Sequence[GroupTerm], name: str) -> tuple[GroupTerm, ...]:
        return self._kept(terms, name, lambda term, at: bind_key(self._access, term, "", self._frame, at))

    def _figure(self, levels: frozenset[str], item: Aggregate, at: str) -> object:
        """Judge a figure of groups, which stands beside the group's key under a name of its own."""
        if item.name in levels:
            raise QueryError.at(f"{at}/as", f"The groups themselves are answered as {item.name!a}. Give another name.")
        return bind_figure(self._access, item, "", at)

    def _pivot(self, pivot: Pivot, aggregates: Sequence[Aggregate]) -> Pivot | None:
        """Return what is left of a pivot; without columns or figures it is none."""
        values = self._kept(pivot.values, "pivot/values", partial(self._figure, frozenset()))
        left = Pivot(self._keys(pivot.cols, "pivot/cols"), values)
        place = f"{self._at}/pivot"
        return self._taking(place, partial(_whole, left, aggregates, place))

    def _include(self, include: Include) -> Include:
        countable = partial(countable_column, self._access)
        return replace(include, facets=self._kept(include.facets, f"include/{include.place}/facets", countable))


def countable_column(access: GridAccess, name: str, at: str) -> Column:
    """Return a column whose distinct values can be counted.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: when its values can't be counted.
    """
    column = access.column(name, at)
    if not column.groupable:
        raise QueryError.at(at, f"The values of the column {column.id!r} can't be counted.")
    return column


def _passed(judge: Callable[[T, str], object], item: T, at: str) -> bool:
    judge(item, at)
    return True


def _whole(pivot: Pivot, aggregates: Sequence[Aggregate], at: str) -> Pivot:
    if not pivot.cols or not (pivot.values or aggregates):
        raise QueryError.at(
            at, "The pivot has no columns, or no figures. Name some in 'cols' and 'values', or ask for aggregates."
        )
    return pivot
