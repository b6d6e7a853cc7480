"""Answers a query for rows of the model: through the gate, one window at a time, in their wire form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import repeat
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import QuerySet

from gridkit_django.conf import settings
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.appearance import css_finder
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.counting import Count, CountKind, count_queryset
from gridkit_django.grids.cursors import make_cursor, query_seal, read_cursor
from gridkit_django.grids.filters import FilterCompiler
from gridkit_django.grids.judging import ShapeJudge
from gridkit_django.grids.keys import bind_key
from gridkit_django.grids.query import CountMode, CursorWindow, GridQuery, OffsetWindow
from gridkit_django.grids.search import search_condition
from gridkit_django.grids.sorting import OrderTerm, effective_sort, order_terms
from gridkit_django.grids.versions import RowVersions
from gridkit_django.grids.windows import Slice, Values, WindowReader
from gridkit_django.grids.zones import zone_of
from gridkit_django.typing import JSONValue, MutableJSONObject


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """What makes a row a group.

    Attributes:
        key: the value that its rows share, in its wire form; None for the rows without a value.
        label: what people read for it, or None.
        child_count: how many rows of the model are in it, however deep.
        level: how deep it is; 0 for the outermost groups.
        expandable: whether groups are inside; in the innermost groups, rows are.
    """

    key: JSONValue
    label: str | None
    child_count: int
    level: int
    expandable: bool

    def to_dict(self) -> MutableJSONObject:
        """Write it as JSON."""
        return {
            "key": self.key,
            "label": self.label,
            "childCount": self.child_count,
            "level": self.level,
            "expandable": self.expandable,
        }


class Row(NamedTuple):
    """One row, as a user sees it.

    Attributes:
        id: the primary key in its wire form; the path of a group as JSON text.
        version: the token of the row's version; empty for a group.
        data: column id to value in its wire form; figures under their names.
        group: what makes it a group, or None for a row of the model.
        styles: column id to the classes of a cell that looks otherwise, or None when all look as usual.
    """

    id: JSONValue
    version: str
    data: dict[str, JSONValue]
    group: GroupInfo | None = None
    styles: dict[str, str] | None = None

    def to_dict(self) -> MutableJSONObject:
        """Write the row as JSON."""
        written: MutableJSONObject = {"id": self.id, "v": self.version, "d": self.data}
        if self.styles:
            written["s"] = self.styles
        return written if self.group is None else {**written, "g": self.group.to_dict()}


@dataclass(frozen=True, slots=True)
class WindowInfo:
    """Where a window lies.

    Attributes:
        start: how many rows come before it, or None when that is not known.
        has_next: whether rows come after it.
        next: the cursor to the rows after it, or None.
        prev: the cursor to the rows before it, or None.
    """

    start: int | None
    has_next: bool
    next: str | None
    prev: str | None

    def to_dict(self) -> MutableJSONObject:
        """Write the window as JSON."""
        return {"start": self.start, "hasNext": self.has_next, "next": self.next, "prev": self.prev}


@dataclass(frozen=True, slots=True)
class RowsPage:
    """The answer to a query.

    Attributes:
        rows: the rows of the window.
        window: where the window lies.
        count: how many rows match.
        query: the query as it was understood: defaults filled in.
        dropped: where in the request something stands that plays no part at this level of groups (JSON Pointers).
        totals: the aggregates over all matching rows, or None when they were not asked for.
        pivot_fields: the columns that a pivot made, or None without one.
        facets: column id to its distinct values, or None when they were not asked for.
        labels: column id to keys of other grids' rows with their labels, or None when they were not asked for.
    """

    rows: tuple[Row, ...]
    window: WindowInfo
    count: Count
    query: GridQuery
    dropped: tuple[str, ...] = ()
    totals: dict[str, JSONValue] | None = None
    pivot_fields: tuple[MutableJSONObject, ...] | None = None
    facets: dict[str, MutableJSONObject] | None = None
    labels: dict[str, list[MutableJSONObject]] | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query that passed the gate.

    Attributes:
        access: the grid and the user.
        query: the query with columns, sort and page size filled in.
        rows: the matching rows that the user may see, in no order.
        columns: the columns asked for, in order.
        terms: the order; the last term is unique.
        frame: the time zone and the database.
    """

    access: GridAccess
    query: GridQuery
    rows: QuerySet[Any]
    columns: tuple[Column, ...]
    terms: tuple[OrderTerm, ...]
    frame: Frame

    @property
    def queryset(self) -> QuerySet[Any]:
        """The matching rows in their order."""
        return self.rows.order_by(*(term.ordering() for term in self.terms))

    @property
    def paths(self) -> tuple[str, ...]:
        """The ORM paths of the columns asked for, for ``values_list``."""
        return tuple(column.path for column in self.columns)

    def count(self, mode: CountMode) -> Count:
        """Count the matching rows."""
        return count_queryset(self.rows, mode)


def compile_query(access: GridAccess, query: GridQuery) -> Compiled:
    """Take a query for rows of the model through the gate. Nothing is read yet.

    A query with groups and a path that leads to one of the innermost is about the rows in it; with a shorter path,
    about all rows in the group that it leads to. What plays no part in rows of the model, like a figure, is judged too.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: for anything else that this grid can't answer.
    """
    rows, frame = matching_rows(access, query)
    ShapeJudge(access, frame).judged(query)
    columns = _projection(access, query)
    asked = tuple(term for index, term in enumerate(query.sort) if index not in figure_terms(access, query))
    query = query.with_changes(
        columns=tuple(column.id for column in columns),
        sort=effective_sort(access, asked),
        window=sized_window(access, query),
    )
    return Compiled(access, query, rows, columns, order_terms(access, query.sort), frame)


def matching_rows(access: GridAccess, query: GridQuery) -> tuple[QuerySet[Any], Frame]:
    """Return the rows that filter, search and path leave of those that the user may see, in no order, and the frame.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: for anything else that this grid can't answer.
    """
    rows = access.queryset()
    frame = Frame(zone_of(access, query.tz), connections[rows.db].vendor)
    if query.filter is not None:
        rows = rows.filter(FilterCompiler(access, frame).compile(query.filter))
    if query.search:
        rows = rows.filter(search_condition(access, query.search, frame))
    for level, (term, key) in enumerate(zip(query.group, query.path, strict=False)):
        bound = bind_key(access, term, "", frame, f"/group/{level}")
        rows = rows.filter(bound.condition(key, f"/path/{level}"))
    return rows, frame


def figure_terms(access: GridAccess, query: GridQuery) -> frozenset[int]:
    """Return the places of the sort terms that name a figure and no column: rows of the model have no figures."""
    figures = {item.name for item in (*query.aggregates, *(query.pivot.values if query.pivot else ()))}
    return frozenset(
        index for index, term in enumerate(query.sort) if term.col in figures and term.col not in access.by_id
    )


def fetch_window(access: GridAccess, query: GridQuery) -> RowsPage:
    """Answer a query for rows of the model.

    One SQL query reads the rows, however many there are; a cursor whose window crosses from values to NULLs takes one
    more for each crossing. One more counts, unless the window itself shows the number.

    Raises:
        CursorError: when the window's cursor is none of this site's.
        CursorMismatchError: when it belongs to another question.
        QueryError: for anything else that this grid can't answer.
    """
    dropped = tuple(f"/sort/{index}" for index in sorted(figure_terms(access, query)))
    compiled = compile_query(access, query)
    layout = RowLayout(access, compiled.columns, compiled.frame.zone, extra=compiled.terms)
    seal = query_seal(access, compiled.query)
    reader = WindowReader(compiled.rows, compiled.terms, layout.paths, compiled.frame)
    found = read_window(reader, compiled.query, seal)
    return RowsPage(
        rows=layout.rows(found.values),
        window=window_info(reader, found, seal),
        count=count_window(compiled.rows, compiled.query.count, found),
        query=compiled.query,
        dropped=dropped,
    )


def count_rows(access: GridAccess, query: GridQuery, mode: CountMode) -> Count:
    """Count the rows that match a query, whatever its window.

    Raises:
        QueryError: when this grid can't answer the query.
    """
    return compile_query(access, query).count(mode)


class RowLayout:
    """Which values are read for a row, and how they become a ``Row``.

    Args:
        access: the grid and the user.
        columns: the columns that the row shows, in order.
        zone: the time zone in which points in time are shown.
        extra: terms of the order, whose keys are wanted too.
    """

    def __init__(
        self, access: GridAccess, columns: Sequence[Column], zone: tzinfo, *, extra: Iterable[OrderTerm] = ()
    ) -> None:
        self._access = access
        self._columns = columns
        self._zone = zone
        self._versions = access.kept(RowVersions, lambda: RowVersions(access))
        wanted = [access.key, *columns, *access.version_columns, *(term.column for term in extra)]
        self.paths = tuple(dict.fromkeys(column.path for column in wanted))
        self._positions = {path: position for position, path in enumerate(self.paths)}

    def value(self, values: Values, column: Column) -> Any:
        """Return a column's Python value out of a tuple that was read by ``paths``."""
        return values[self._positions[column.path]]

    def row(self, values: Sequence[Any]) -> Row:
        """Make a row out of a tuple that was read by ``paths``."""
        return self.rows([values])[0]

    def rows(self, found: Sequence[Sequence[Any]]) -> tuple[Row, ...]:
        """Make rows out of tuples that were read by ``paths``.

        It goes column by column and not row by row, so that what depends on the column is decided once.
        """
        if not found:
            return ()
        by_position = list(zip(*found, strict=True))
        held = {path: by_position[position] for path, position in self._positions.items()}
        ids = self._access.key.to_wires(held[self._access.key.path])
        versions = self._versions.tokens([held[column.path] for column in self._versions.columns], len(found))
        names = [column.id for column in self._columns]
        wires = [column.to_wires(held[column.path], self._zone) for column in self._columns]
        cells = zip(*wires, strict=True) if wires else repeat((), len(found))
        made = map(Row, ids, versions, map(dict, map(zip, repeat(names), cells)), repeat(None), self._looks(held))
        return tuple(made)

    def _looks(self, held: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, str] | None]:
        """Yield what the styles of the columns say of each row."""
        styled = [column for column in self._columns if column.styles]
        if not styled:
            return repeat(None)
        found = [css_finder(column, self._zone) for column in styled]
        names = [column.id for column in styled]
        lines = zip(*(map(find, held[column.path]) for find, column in zip(found, styled, strict=True)), strict=True)
        return ({name: css for name, css in zip(names, line, strict=True) if css} or None for line in lines)


def _projection(access: GridAccess, query: GridQuery) -> tuple[Column, ...]:
    if query.columns is None:
        return access.columns
    return tuple(access.column(name, f"/columns/{index}") for index, name in enumerate(query.columns))


def sized_window(access: GridAccess, query: GridQuery) -> OffsetWindow | CursorWindow:
    """Return the window with its size filled in."""
    window = query.window
    if isinstance(window, OffsetWindow) or window.size is not None:
        return window
    return CursorWindow(window.after, window.before, page_size(access))


def page_size(access: GridAccess) -> int:
    """Return the rows of a window when the client names no size."""
    return access.options.page_size or settings().PAGE_SIZE


def read_window(reader: WindowReader, query: GridQuery, seal: str) -> Slice:
    """Read the window that a query with a sized window asks for.

    Raises:
        CursorError: when the window's cursor is none of this site's.
        CursorMismatchError: when it belongs to another question.
    """
    window = query.window
    if isinstance(window, OffsetWindow):
        return reader.at_offset(window.start, window.end)
    size = window.size or settings().PAGE_SIZE
    if window.after is not None:
        return reader.after(read_cursor(window.after, reader.terms, "after", seal), size)
    if window.before is not None:
        return reader.before(read_cursor(window.before, reader.terms, "before", seal), size)
    return reader.at_offset(0, size)


def window_info(reader: WindowReader, found: Slice, seal: str) -> WindowInfo:
    """Say where a window lies, with the cursors to both sides."""
    positions = [reader.paths.index(term.path) for term in reader.terms]

    def keys(values: Values) -> list[Any]:
        return [values[position] for position in positions]

    rows = found.values
    following = make_cursor(reader.terms, keys(rows[-1]), "after", seal) if rows and found.has_next else None
    previous = make_cursor(reader.terms, keys(rows[0]), "before", seal) if rows and found.has_previous else None
    return WindowInfo(found.start, found.has_next and bool(rows), following, previous)


def count_window(rows: QuerySet[Any], mode: CountMode, found: Slice, *, key: str = "pk") -> Count:
    """Count the rows, unless the window ends them and so shows their number."""
    at_end = found.start is not None and not found.has_next and bool(found.values or found.start == 0)
    if at_end and mode is not CountMode.NONE:
        return Count((found.start or 0) + len(found.values), CountKind.EXACT)
    return count_queryset(rows, mode, key=key)
