"""Facets: the distinct values of a column, counted under all filters but its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import FilterValueError, QueryError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.group_rows import fetch_groups
from gridkit_django.grids.groups import NOTHING_MORE, Aggregate, GroupTerm
from gridkit_django.grids.judging import countable_column
from gridkit_django.grids.labels import names_rows, read_labels
from gridkit_django.grids.operators import Op
from gridkit_django.grids.query import CURSOR_LENGTH_MAX, CountMode, CursorWindow, GridQuery, SortTerm
from gridkit_django.grids.rows import Row
from gridkit_django.grids.strict import read_object, read_text, read_whole, read_word
from gridkit_django.grids.tree import Condition, FilterNode, Group, columns_of
from gridkit_django.typing import JSONValue, MutableJSONObject

FACET_SIZE = 50
_COUNT = "gridkit count"
"""The count by which values are ordered; no client can give a figure this name."""

_OWN = ("q", "order", "after", "size")


@dataclass(frozen=True, slots=True)
class FacetQuery:
    """A question for the values of one column.

    Attributes:
        query: what the user looks at; its filter and search count, its window and sort play no part.
        search: only values in which this is found; empty for all.
        by_count: whether frequent values come first; else they come in their order.
        after: the ``next`` of an earlier answer, or None.
        size: values at most.
    """

    query: GridQuery
    search: str = ""
    by_count: bool = True
    after: str | None = None
    size: int = FACET_SIZE

    @classmethod
    def from_dict(cls, raw: Any) -> FacetQuery:
        """Read the body of a facet request: the keys of a rows request, and ``q``, ``order``, ``after``, ``size``.

        Raises:
            QueryError: for anything that is not understood.
            QueryLimitError: for anything over the limits.
        """
        raw = read_object(raw, "", ("v", "filter", "search", "tz", *_OWN))
        own = {key: raw[key] for key in _OWN if raw.get(key) is not None}
        query = GridQuery.from_dict({key: value for key, value in raw.items() if key not in _OWN})
        return cls(
            query,
            search=read_text(own.get("q", ""), "/q", settings().SEARCH_LENGTH_MAX).strip(),
            by_count=read_word(own.get("order", "count"), "/order", ("count", "value")) == "count",
            after=None if "after" not in own else read_text(own["after"], "/after", CURSOR_LENGTH_MAX),
            size=read_whole(own.get("size", FACET_SIZE), "/size", 1, settings().PAGE_SIZE_MAX),
        )


@dataclass(frozen=True, slots=True)
class Facet:
    """The distinct values of a column.

    Attributes:
        values: each value with its label and how many rows have it; None is the rows without a value.
        has_next: whether there are more values.
        next: the cursor to them, or None.
    """

    values: tuple[tuple[JSONValue, str | None, int], ...]
    has_next: bool
    next: str | None

    def to_dict(self) -> MutableJSONObject:
        """Write the facet as JSON."""
        return {
            "values": [{"value": value, "label": label, "count": count} for value, label, count in self.values],
            "hasNext": self.has_next,
            "next": self.next,
        }


def fetch_facet(access: GridAccess, name: str, asked: FacetQuery, at: str = "/col") -> Facet:
    """Count the values of a column among the rows that the user may see and that the other filters leave.

    Args:
        access: the grid and the user.
        name: id of the column.
        asked: the question.
        at: where the column is named in the request (JSON Pointer).

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: when the values of the column can't be counted or searched.
        CursorError: when ``after`` is no cursor of this question.
    """
    column = countable_column(access, name, at)
    node = without_column(asked.query.filter, column.id)
    wanted = _wanted(column, asked.search)
    if wanted is None:
        return Facet((), has_next=False, next=None)
    parts = tuple(part for part in (node, *wanted) if part is not None)
    query = asked.query.with_changes(
        columns=None,
        filter=Group("and", parts) if parts else None,
        group=(GroupTerm(column.id),),
        path=(),
        aggregates=(Aggregate(Fn.COUNT, "", _COUNT),),
        sort=(SortTerm(_COUNT, "desc"),) if asked.by_count else (SortTerm(column.id),),
        window=CursorWindow(after=asked.after, size=asked.size),
        count=CountMode.NONE,
        pivot=None,
        include=NOTHING_MORE,
    )
    page = fetch_groups(access, query)
    values = tuple(_value(row) for row in page.rows)
    if names_rows(column):
        labels = read_labels(access, {column.id: [value for value, *_ in values]}).get(column.id, {})
        values = tuple((value, labels.get(value, label), count) for value, label, count in values)
    return Facet(values, page.window.has_next, page.window.next)


def without_column(node: FilterNode | None, name: str) -> FilterNode | None:
    """Return a filter without what it says about one column alone.

    Conditions on the column fall away where they are joined to the rest by ``and``. What mixes the column with others
    in an ``or`` is no filter of this column, and stays.
    """
    if node is None or columns_of(node) == {name}:
        return None
    if isinstance(node, Group) and node.join == "and":
        kept = tuple(left for member in node.nodes if (left := without_column(member, name)) is not None)
        return Group("and", kept) if kept else None
    return node


def _wanted(column: Column, text: str) -> tuple[Condition, ...] | None:
    """Return the conditions of a search among the values, or None when no value can match.

    Raises:
        QueryError: when the column takes no filter, so that its values can't be searched.
    """
    if not text:
        return ()
    if not column.filterable:
        raise QueryError.at("/q", f"The values of the column {column.id!r} can't be searched.")
    if column.choices is not None:
        values = tuple(value for value, label in column.choices if text.casefold() in label.casefold())
        return (Condition(column.id, Op.IN, values),) if values else None
    if Op.CONTAINS in column.ops:
        return (Condition(column.id, Op.CONTAINS, text),)
    try:
        column.clean(text)
    except FilterValueError:
        return None
    return (Condition(column.id, Op.EQ, text),)


def _value(row: Row) -> tuple[JSONValue, str | None, int]:
    group = row.group
    return (None, None, 0) if group is None else (group.key, group.label, group.child_count)
