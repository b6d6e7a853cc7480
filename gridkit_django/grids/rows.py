"""Answers a query: compiles it through the gate, reads one window of rows, and puts them into their wire form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from django.db import connections
from django.db.models import QuerySet

from gridkit_django.conf import settings
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.counting import Count, CountKind, count_queryset
from gridkit_django.grids.cursors import make_cursor, query_seal, read_cursor
from gridkit_django.grids.filters import FilterCompiler
from gridkit_django.grids.query import CountMode, CursorWindow, GridQuery, OffsetWindow
from gridkit_django.grids.search import search_condition
from gridkit_django.grids.sorting import OrderTerm, effective_sort, order_terms
from gridkit_django.grids.versions import row_version
from gridkit_django.grids.windows import Slice, Values, WindowReader
from gridkit_django.grids.zones import zone_of
from gridkit_django.typing import JSONValue, MutableJSONObject


@dataclass(frozen=True, slots=True)
class Row:
    """One row, as a user sees it.

    Attributes:
        id: the primary key in its wire form.
        version: the token of the row's version.
        data: column id to value in its wire form.
    """

    id: JSONValue
    version: str
    data: dict[str, JSONValue]

    def to_dict(self) -> MutableJSONObject:
        """Write the row as JSON."""
        return {"id": self.id, "v": self.version, "d": self.data}


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
    """

    rows: tuple[Row, ...]
    window: WindowInfo
    count: Count
    query: GridQuery


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
    """Take a query through the gate. Nothing is read yet.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: for anything else that this grid can't answer.
    """
    columns = _projection(access, query)
    query = query.with_changes(
        columns=tuple(column.id for column in columns),
        sort=effective_sort(access, query.sort),
        window=_sized(access, query),
    )
    rows = access.queryset()
    frame = Frame(zone_of(access, query.tz), connections[rows.db].vendor)
    if query.filter is not None:
        rows = rows.filter(FilterCompiler(access, frame).compile(query.filter))
    if query.search:
        rows = rows.filter(search_condition(access, query.search, frame))
    return Compiled(access, query, rows, columns, order_terms(access, query.sort), frame)


def fetch_rows(access: GridAccess, query: GridQuery) -> RowsPage:
    """Answer a query.

    One SQL query reads the rows, however many there are; a cursor whose window crosses from values to NULLs takes one
    more for each crossing. One more counts, unless the window itself shows the number.

    Raises:
        CursorError: when the window's cursor is none of this site's.
        CursorMismatchError: when it belongs to another question.
        QueryError: for anything else that this grid can't answer.
    """
    compiled = compile_query(access, query)
    layout = RowLayout(access, compiled.columns, compiled.frame.zone, extra=compiled.terms)
    seal = query_seal(access, compiled.query)
    found = _read_window(compiled, layout, seal)
    return RowsPage(
        rows=tuple(layout.row(values) for values in found.values),
        window=_window_info(compiled, layout, found, seal),
        count=_count(compiled, found),
        query=compiled.query,
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
        wanted = [access.key, *columns, *access.version_columns, *(term.column for term in extra)]
        self.paths = tuple(dict.fromkeys(column.path for column in wanted))
        self._positions = {path: position for position, path in enumerate(self.paths)}

    def value(self, values: Values, column: Column) -> Any:
        """Return a column's Python value out of a tuple that was read by ``paths``."""
        return values[self._positions[column.path]]

    def row(self, values: Values) -> Row:
        """Make a row out of a tuple that was read by ``paths``."""
        versioned = {column.id: self.value(values, column) for column in self._access.version_columns}
        return Row(
            id=self._access.key.to_wire(self.value(values, self._access.key)),
            version=row_version(self._access, versioned),
            data={column.id: column.to_wire(self.value(values, column), self._zone) for column in self._columns},
        )


def _projection(access: GridAccess, query: GridQuery) -> tuple[Column, ...]:
    if query.columns is None:
        return access.columns
    return tuple(access.column(name, f"/columns/{index}") for index, name in enumerate(query.columns))


def _sized(access: GridAccess, query: GridQuery) -> OffsetWindow | CursorWindow:
    window = query.window
    if isinstance(window, OffsetWindow) or window.size is not None:
        return window
    return CursorWindow(window.after, window.before, page_size(access))


def page_size(access: GridAccess) -> int:
    """Return the rows of a window when the client names no size."""
    return access.options.page_size or settings().PAGE_SIZE


def _read_window(compiled: Compiled, layout: RowLayout, seal: str) -> Slice:
    reader = WindowReader(compiled.rows, compiled.terms, layout.paths, compiled.frame)
    window = compiled.query.window
    if isinstance(window, OffsetWindow):
        return reader.at_offset(window.start, window.end)
    size = window.size or page_size(compiled.access)
    if window.after is not None:
        return reader.after(read_cursor(window.after, compiled.terms, "after", seal), size)
    if window.before is not None:
        return reader.before(read_cursor(window.before, compiled.terms, "before", seal), size)
    return reader.at_offset(0, size)


def _window_info(compiled: Compiled, layout: RowLayout, found: Slice, seal: str) -> WindowInfo:
    def keys(values: Values) -> list[Any]:
        return [layout.value(values, term.column) for term in compiled.terms]

    rows = found.values
    following = make_cursor(compiled.terms, keys(rows[-1]), "after", seal) if rows and found.has_next else None
    previous = make_cursor(compiled.terms, keys(rows[0]), "before", seal) if rows and found.has_previous else None
    return WindowInfo(found.start, found.has_next and bool(rows), following, previous)


def _count(compiled: Compiled, found: Slice) -> Count:
    """Count, unless the window ends the rows and so shows their number."""
    mode = compiled.query.count
    at_end = found.start is not None and not found.has_next and bool(found.values or found.start == 0)
    if at_end and mode is not CountMode.NONE:
        return Count((found.start or 0) + len(found.values), CountKind.EXACT)
    return compiled.count(mode)
