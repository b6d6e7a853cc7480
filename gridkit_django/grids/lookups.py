"""Lookups: the values that a cell may be given, to choose from.

A column that names a grid (``lookup="airlines"``) offers that grid's rows through that grid's own gate: who may not
open it, or may not see a row of it, is not offered them. Any other column offers the values that occur in the rows that
the user may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryError, RecordNotFoundError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.facets import FACET_SIZE, FacetQuery, fetch_facet
from gridkit_django.grids.labels import label_column, lookup_grid
from gridkit_django.grids.looks import note_page, note_use
from gridkit_django.grids.query import CURSOR_LENGTH_MAX, CountMode, CursorWindow, GridQuery
from gridkit_django.grids.records import read_key
from gridkit_django.grids.rows import fetch_window
from gridkit_django.grids.search import search_columns
from gridkit_django.grids.strict import read_object, read_text, read_whole
from gridkit_django.typing import JSONValue, MutableJSONObject


@dataclass(frozen=True, slots=True)
class LookupQuery:
    """A question for options.

    Attributes:
        search: only options in which this is found; empty for all.
        after: the ``next`` of an earlier answer, or None.
        size: options at most.
    """

    search: str = ""
    after: str | None = None
    size: int = FACET_SIZE

    @classmethod
    def from_dict(cls, raw: Any) -> LookupQuery:
        """Read the body of a lookup request: ``q``, ``after``, ``size``.

        Raises:
            QueryError: for anything that is not understood.
            QueryLimitError: for anything over the limits.
        """
        raw = read_object(raw, "", ("q", "after", "size"))
        after, size = raw.get("after"), raw.get("size")
        return cls(
            search=read_text(raw.get("q") or "", "/q", settings().SEARCH_LENGTH_MAX).strip(),
            after=None if after is None else read_text(after, "/after", CURSOR_LENGTH_MAX),
            size=FACET_SIZE if size is None else read_whole(size, "/size", 1, settings().PAGE_SIZE_MAX),
        )


@dataclass(frozen=True, slots=True)
class Options:
    """Values to choose from.

    Attributes:
        values: each value with its label.
        has_next: whether there are more.
        next: the cursor to them, or None.
    """

    values: tuple[tuple[JSONValue, str], ...]
    has_next: bool
    next: str | None

    def to_dict(self) -> MutableJSONObject:
        """Write the options as JSON."""
        options: list[JSONValue] = [{"value": value, "label": label} for value, label in self.values]
        return {"options": options, "hasNext": self.has_next, "next": self.next}


NO_OPTIONS = Options((), has_next=False, next=None)


def fetch_options(access: GridAccess, name: str, asked: LookupQuery) -> Options:
    """Return the values to choose from for a column.

    Args:
        access: the grid and the user.
        name: id of the column.
        asked: the question.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: when the values of the column can't be listed or searched.
        CursorError: when ``after`` is no cursor of this question.
    """
    column = access.column(name, "/col")
    if column.choices is not None:
        return _chosen(column, asked.search)
    if column.lookup:
        source = lookup_grid(access, column)
        return NO_OPTIONS if source is None else _rows_of(source, asked)
    facet = fetch_facet(
        access,
        name,
        FacetQuery(GridQuery(), search=asked.search, by_count=False, after=asked.after, size=asked.size),
    )
    note_use(access, {column.id})
    values = tuple((value, label or "") for value, label, _ in facet.values if value is not None)
    return Options(values, facet.has_next, facet.next)


def is_option(access: GridAccess, column: Column, value: Any) -> bool:
    """Whether a user may choose a value: always, unless the column names a grid, which then must show such a row."""
    if not column.lookup or value is None:
        return True
    source = lookup_grid(access, column)
    if source is None:
        return False
    try:
        return bool(source.queryset().filter(pk=read_key(source, value)).exists())
    except RecordNotFoundError:
        return False


def _chosen(column: Column, text: str) -> Options:
    found = tuple((value, label) for value, label in column.choices or () if text.casefold() in label.casefold())
    return Options(found, has_next=False, next=None)


def _rows_of(source: GridAccess, asked: LookupQuery) -> Options:
    """Read options out of another grid: the value is the row's key, the label its first text."""
    if asked.search and not search_columns(source):
        raise QueryError.at("/q", f"The grid {source.grid_id!r} has no column to search in.")
    label = label_column(source)
    window = CursorWindow(after=asked.after, size=asked.size)
    columns = None if label is None else (label.id,)
    query = GridQuery(columns=columns, search=asked.search, window=window, count=CountMode.NONE)
    page = fetch_window(source, query)
    note_page(source, page)
    values = tuple((row.id, str(row.id if label is None else row.data[label.id] or row.id)) for row in page.rows)
    return Options(values, page.window.has_next, page.window.next)
