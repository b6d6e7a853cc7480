"""What a client asks of a grid: frozen, typed and strictly read. It knows no columns and no user yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal, Self, TypeAlias

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryError
from gridkit_django.grids.declaration import is_zone
from gridkit_django.grids.groups import (
    NOTHING_MORE,
    Aggregate,
    GroupTerm,
    Include,
    Pivot,
    read_aggregates,
    read_group,
    read_include,
    read_path,
    read_pivot,
)
from gridkit_django.grids.pointers import below, pointer
from gridkit_django.grids.strict import read_list, read_object, read_text, read_whole, read_word
from gridkit_django.grids.tree import FilterNode, filter_to_dict, read_filter
from gridkit_django.typing import JSONObject, JSONValue, MutableJSONObject

PROTOCOL_VERSION = 1
QUERY = "query"
"""The member of other bodies that holds what a user looks at."""
COLUMNS_MAX = 500
CURSOR_LENGTH_MAX = 100_000


class CountMode(StrEnum):
    """How much work a client wants spent on the number of rows."""

    NONE = "none"
    CAPPED = "capped"
    ESTIMATED = "estimated"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class SortTerm:
    """One term of the order.

    Attributes:
        col: id of the column, as sent.
        direction: ``asc`` or ``desc``.
        nulls: where rows without a value come: ``first`` or ``last``, in both directions.
    """

    col: str
    direction: Literal["asc", "desc"] = "asc"
    nulls: Literal["first", "last"] = "last"

    def to_dict(self) -> MutableJSONObject:
        """Write the term as JSON."""
        written: MutableJSONObject = {"col": self.col, "dir": self.direction}
        return written if self.nulls == "last" else {**written, "nulls": self.nulls}


@dataclass(frozen=True, slots=True)
class OffsetWindow:
    """The rows from ``start`` up to but not including ``end``, counted from 0."""

    start: int
    end: int

    def to_dict(self) -> MutableJSONObject:
        """Write the window as JSON."""
        return {"kind": "offset", "start": self.start, "end": self.end}


@dataclass(frozen=True, slots=True)
class CursorWindow:
    """At most ``size`` rows after or before a cursor; without a cursor, the first rows.

    Attributes:
        after: the ``next`` of an earlier answer.
        before: the ``prev`` of an earlier answer.
        size: rows at most; None means the grid's page size.
    """

    after: str | None = None
    before: str | None = None
    size: int | None = None

    def to_dict(self) -> MutableJSONObject:
        """Write the window as JSON."""
        written: MutableJSONObject = {"kind": "cursor", "size": self.size}
        if self.before is not None:
            return {**written, "before": self.before}
        return {**written, "after": self.after}


Window: TypeAlias = OffsetWindow | CursorWindow


@dataclass(frozen=True, slots=True)
class GridQuery:
    """One question to a grid.

    Attributes:
        columns: ids of the columns wanted, in order; None means all that the user may see.
        sort: the order; empty means the grid's default.
        filter: the filter tree, or None for all rows.
        search: words that every row must hold; empty for all rows.
        window: which rows of the ordered ones.
        count: how the number of rows is found.
        tz: name of the time zone in which days begin; None means the grid's.
        group: the levels of groups, outermost first; empty for plain rows.
        path: keys of the groups that lead to the rows asked for; as many as levels for the rows of one group.
        aggregates: figures over each group, and over all rows.
        pivot: figures beside each other, or None.
        include: what the answer holds beside its rows.
    """

    columns: tuple[str, ...] | None = None
    sort: tuple[SortTerm, ...] = ()
    filter: FilterNode | None = None
    search: str = ""
    window: Window = CursorWindow()
    count: CountMode = CountMode.CAPPED
    tz: str | None = None
    group: tuple[GroupTerm, ...] = ()
    path: tuple[JSONValue, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    pivot: Pivot | None = None
    include: Include = NOTHING_MORE

    @property
    def is_grouped(self) -> bool:
        """Whether the answer is groups (or one line of pivoted figures) and not rows of the model."""
        return len(self.path) < len(self.group) or self.pivot is not None

    @classmethod
    def from_dict(cls, raw: Any) -> Self:
        """Read a query.

        Args:
            raw: the JSON object of a rows request.

        Raises:
            QueryError: for anything that is not understood; ``errors`` name the place as a JSON Pointer.
            QueryLimitError: for anything over the limits that the schema announces.
        """
        raw = read_object(raw, "", _READERS)
        _refuse_other_versions(raw)
        found = {key: reader(raw[key]) for key, reader in _READERS.items() if reader and raw.get(key) is not None}
        query = cls(**found)
        if len(query.path) > len(query.group):
            raise QueryError.at("/path", f"The path has {len(query.path)} keys for {len(query.group)} levels.")
        if query.pivot is not None and query.group and len(query.path) == len(query.group):
            raise QueryError.at("/path", "The rows of one group can't be pivoted. Shorten the path by one key.")
        return query

    @classmethod
    def from_member(cls, raw: Any) -> Self | None:
        """Read the query that another body holds under ``query``, or nothing. Raises as ``from_dict`` does."""
        if raw is None:
            return None
        with below(pointer(QUERY)):
            return cls.from_dict(raw)

    def to_dict(self) -> MutableJSONObject:
        """Write the query as JSON; reading that gives an equal query."""
        return {
            "columns": None if self.columns is None else list(self.columns),
            "sort": [term.to_dict() for term in self.sort],
            "filter": None if self.filter is None else filter_to_dict(self.filter),
            "search": self.search,
            "window": self.window.to_dict(),
            "count": self.count.value,
            "tz": self.tz,
            **self._grouped_to_dict(),
        }

    def _grouped_to_dict(self) -> MutableJSONObject:
        """Write what was asked beyond plain rows; a plain question stays short."""
        written: MutableJSONObject = {}
        if self.group:
            written["group"] = [term.to_json() for term in self.group]
            written["path"] = list(self.path)
        if self.aggregates:
            written["aggregates"] = [item.to_dict() for item in self.aggregates]
        if self.pivot is not None:
            written["pivot"] = self.pivot.to_dict()
        if self.include != NOTHING_MORE:
            written["include"] = self.include.to_json()
        return written

    def with_changes(self, **changes: Any) -> Self:
        """Return a copy with some attributes changed."""
        return replace(self, **changes)


def _refuse_other_versions(raw: JSONObject) -> None:
    if raw.get("v") not in (None, PROTOCOL_VERSION):
        raise QueryError.at("/v", f"This site speaks version {PROTOCOL_VERSION} of the protocol.")


def _read_columns(raw: Any) -> tuple[str, ...]:
    names = read_list(raw, "/columns", COLUMNS_MAX)
    columns = tuple(read_text(name, f"/columns/{index}") for index, name in enumerate(names))
    if not columns:
        raise QueryError.at("/columns", "Expected at least one column. For all columns, send null or leave it out.")
    _refuse_repeats(columns, "/columns")
    return columns


def _read_sort(raw: Any) -> tuple[SortTerm, ...]:
    items = read_list(raw, "/sort", settings().SORT_TERMS_MAX)
    terms = tuple(_read_term(item, f"/sort/{index}") for index, item in enumerate(items))
    _refuse_repeats(tuple(term.col for term in terms), "/sort")
    return terms


def _read_term(raw: Any, at: str) -> SortTerm:
    raw = read_object(raw, at, ("col", "dir", "nulls"))
    if "col" not in raw:
        raise QueryError.at(at, "The sort term has no 'col'.")
    direction = read_word(raw.get("dir", "asc"), f"{at}/dir", ("asc", "desc"))
    nulls = raw.get("nulls")
    nulls = read_word("last" if nulls is None else nulls, f"{at}/nulls", ("first", "last"))
    return SortTerm(
        read_text(raw["col"], f"{at}/col"),
        "asc" if direction == "asc" else "desc",
        "last" if nulls == "last" else "first",
    )


def _refuse_repeats(names: tuple[str, ...], at: str) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise QueryError.at(f"{at}/{index}", f"The column {name[:100]!a} is named twice.")


def _read_search(raw: Any) -> str:
    return read_text(raw, "/search", settings().SEARCH_LENGTH_MAX).strip()


def _read_window(raw: Any) -> Window:
    at = "/window"
    raw = read_object(raw, at, ("kind", "start", "end", "after", "before", "size"))
    kind = read_word(raw.get("kind"), f"{at}/kind", ("cursor", "offset"))
    return _read_offset(raw, at) if kind == "offset" else _read_cursor(raw, at)


def _read_offset(raw: Mapping[str, Any], at: str) -> OffsetWindow:
    read_object(raw, at, ("kind", "start", "end"))
    start = read_whole(raw.get("start"), f"{at}/start", 0, settings().OFFSET_MAX)
    end = read_whole(raw.get("end"), f"{at}/end", start + 1, start + settings().PAGE_SIZE_MAX)
    return OffsetWindow(start, end)


def _read_cursor(raw: Mapping[str, Any], at: str) -> CursorWindow:
    read_object(raw, at, ("kind", "after", "before", "size"))
    after, before = (
        None if raw.get(key) is None else read_text(raw[key], f"{at}/{key}", CURSOR_LENGTH_MAX)
        for key in ("after", "before")
    )
    if after is not None and before is not None:
        raise QueryError.at(at, "Expected 'after' or 'before', not both.")
    size = raw.get("size")
    return CursorWindow(
        after, before, None if size is None else read_whole(size, f"{at}/size", 1, settings().PAGE_SIZE_MAX)
    )


def _read_count(raw: Any) -> CountMode:
    return CountMode(read_word(raw, "/count", tuple(CountMode)))


def _read_zone(raw: Any) -> str:
    name = read_text(raw, "/tz")
    if not is_zone(name):
        raise QueryError.at("/tz", "Expected the name of a time zone of the IANA database, like Europe/Paris.")
    return name


_READERS: Mapping[str, Any] = {
    "v": None,
    "columns": _read_columns,
    "sort": _read_sort,
    "filter": read_filter,
    "search": _read_search,
    "window": _read_window,
    "count": _read_count,
    "tz": _read_zone,
    "group": read_group,
    "path": read_path,
    "aggregates": read_aggregates,
    "pivot": read_pivot,
    "include": read_include,
}
