"""Groups of rows: one level at a time, with figures, ordered and read in windows as rows are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.cursors import query_seal
from gridkit_django.grids.figures import Figure, bind_figures
from gridkit_django.grids.judging import ShapeJudge
from gridkit_django.grids.keys import GroupKey, bind_key, bind_outer, in_groups
from gridkit_django.grids.query import GridQuery, SortTerm
from gridkit_django.grids.rows import (
    GroupInfo,
    Row,
    RowsPage,
    count_window,
    matching_rows,
    read_window,
    sized_window,
    window_info,
)
from gridkit_django.grids.sorting import OrderTerm
from gridkit_django.grids.windows import Values, WindowReader
from gridkit_django.typing import JSONValue

KEY = "gridkit_key"
ROWS = "gridkit_rows"
FIGURE = "gridkit_figure"


@dataclass(frozen=True, slots=True)
class Level:
    """One level of groups that passed the gate.

    Attributes:
        access: the grid and the user.
        query: the query with its window sized and only the sort terms that play a part here.
        rows: the matching rows of the model, in no order.
        key: what the rows are grouped by.
        figures: what is computed for each group.
        dropped: where in the request sort terms stand that play no part at this level.
        outer: keys that are read beside, for a level in more groups than the one that the path leads to.
    """

    access: GridAccess
    query: GridQuery
    rows: QuerySet[Any]
    key: GroupKey
    figures: tuple[Figure, ...]
    dropped: tuple[str, ...]
    outer: tuple[GroupKey, ...] = ()

    @property
    def depth(self) -> int:
        """How deep the level is; 0 for the outermost groups."""
        return len(self.query.path) + len(self.outer)

    @property
    def groups(self) -> QuerySet[Any]:
        """The groups, one row for each, in no order."""
        figures = {figure.annotation: figure.expression for figure in self.figures}
        keys = {key.key.path: key.expression for key in (*self.outer, self.key)}
        keyed = self.rows.annotate(**keys).order_by().values(*keys)
        groups: QuerySet[Any] = keyed.annotate(**{ROWS: Count("*")}, **figures)
        return groups

    @property
    def terms(self) -> tuple[OrderTerm, ...]:
        """The order; the key comes last, because no two groups share it."""
        columns = {figure.name: figure.column for figure in self.figures}
        terms = [
            OrderTerm(
                columns.get(term.col, self.key.key),
                descending=term.direction == "desc",
                nulls_first=term.nulls == "first",
            )
            for term in self.query.sort
        ]
        if all(term.path != KEY for term in terms):
            terms.append(OrderTerm(self.key.key))
        return tuple(terms)

    @property
    def paths(self) -> tuple[str, ...]:
        """What is read of each group: keys of outer groups, key, number of rows, figures."""
        outer = (key.key.path for key in self.outer)
        return (*outer, KEY, ROWS, *(figure.annotation for figure in self.figures))

    def path(self, values: Values) -> tuple[JSONValue, ...]:
        """Return the keys that lead to the group around, out of a tuple that was read by ``paths``."""
        return (*self.query.path, *(key.to_wire(value) for key, value in zip(self.outer, values, strict=False)))

    def row(self, values: Values) -> Row:
        """Make a row out of a tuple that was read by ``paths``."""
        key, rows, *figures = values[len(self.outer) :]
        wire = self.key.to_wire(key)
        data = {self.key.column.id: wire}
        zone = self.key.frame.zone
        data |= {figure.name: figure.to_wire(value, zone) for figure, value in zip(self.figures, figures, strict=True)}
        inner = self.depth < len(self.query.group) - 1
        group = GroupInfo(wire, self.key.label(key), rows, self.depth, expandable=inner)
        return Row(json.dumps([*self.path(values), wire]), "", data, group)


def compile_level(access: GridAccess, query: GridQuery, within: Sequence[Sequence[JSONValue]] = ()) -> Level:
    """Take a query for groups through the gate. Nothing is read yet.

    Args:
        access: the grid and the user.
        query: the query.
        within: paths of the groups of one level whose inside is asked for; then the query has no path.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: for anything else that this grid can't answer.
    """
    rows, frame = matching_rows(access, query)
    ShapeJudge(access, frame).judged(query)
    outer = bind_outer(access, query.group[: len(within[0])], frame) if within else ()
    rows = rows.filter(in_groups(outer, within)) if within else rows
    depth = len(query.path) + len(outer)
    key = bind_key(access, query.group[depth], KEY, frame, f"/group/{depth}")
    figures = bind_figures(access, query.aggregates, FIGURE)
    sort, dropped = _sort_here(query, key, figures)
    query = query.with_changes(sort=sort, window=sized_window(access, query))
    return Level(access, query, plain(rows), key, figures, dropped, outer)


def fetch_groups(access: GridAccess, query: GridQuery) -> RowsPage:
    """Answer a query for groups: one SQL query reads the window, one more counts the groups.

    Raises:
        CursorError: when the window's cursor is none of this site's.
        CursorMismatchError: when it belongs to another question.
        QueryError: for anything else that this grid can't answer.
    """
    return fetch_level(access, query)[1]


def fetch_level(access: GridAccess, query: GridQuery) -> tuple[Level, RowsPage]:
    """Answer a query for groups, and say what it was understood as. Raises as ``fetch_groups`` does."""
    level = compile_level(access, query)
    seal = query_seal(access, level.query)
    reader = WindowReader(level.groups, level.terms, level.paths, level.key.frame)
    found = read_window(reader, level.query, seal)
    page = RowsPage(
        rows=tuple(level.row(values) for values in found.values),
        window=window_info(reader, found, seal),
        count=count_window(level.groups, level.query.count, found, key=KEY),
        query=level.query,
        dropped=level.dropped,
    )
    return level, page


def plain(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the same rows as a queryset that can be grouped: its own annotations would take part in that."""
    query = rows.query
    if not (query.annotations or query.distinct or query.combinator or query.is_sliced):
        return rows
    same: QuerySet[Any] = rows.model._base_manager.using(rows.db).filter(pk__in=rows.order_by().values("pk"))
    return same


def _sort_here(
    query: GridQuery, key: GroupKey, figures: Sequence[Figure]
) -> tuple[tuple[SortTerm, ...], tuple[str, ...]]:
    """Return the sort terms that name this level's key or a figure of it, and where the others stand.

    The others order another level or the rows, or name a figure of a pivot.
    """
    named = {key.column.id, *(figure.name for figure in figures)}
    kept = tuple(term for term in query.sort if term.col in named)
    return kept, tuple(f"/sort/{index}" for index, term in enumerate(query.sort) if term.col not in named)
