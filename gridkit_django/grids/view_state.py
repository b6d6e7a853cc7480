"""How a person looks at a grid, as data: what is asked and how it is laid out. It knows no columns and no user yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryError, ViewError
from gridkit_django.grids.query import COLUMNS_MAX, GridQuery
from gridkit_django.grids.strict import read_list, read_object, read_text, read_whole, read_word
from gridkit_django.typing import JSONObject, MutableJSONObject

STATE_VERSION = 1
"""The version of the schema of states. Whoever raises it teaches ``stored_state`` to read the older ones."""

QUERY_PARTS = ("columns", "sort", "filter", "search", "group", "aggregates", "pivot")
"""The keys of a rows request that a state may hold."""

NOTHING_ASKED = GridQuery()

WIDTH_MAX = 10_000
"""Pixels of a column at most."""


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """How one column is laid out; its place in the list is its place in the grid.

    Attributes:
        col: id of the column.
        hidden: whether it is not on show.
        width: in CSS pixels; None for the width that the grid gives it.
        pin: the side at which it stays in sight, or None.
    """

    col: str
    hidden: bool = False
    width: int | None = None
    pin: Literal["left", "right"] | None = None

    def to_dict(self) -> MutableJSONObject:
        """Write the layout as JSON."""
        written: MutableJSONObject = {"col": self.col}
        if self.hidden:
            written["hidden"] = True
        if self.width is not None:
            written["width"] = self.width
        if self.pin is not None:
            written["pin"] = self.pin
        return written


@dataclass(frozen=True, slots=True)
class ViewState:
    """A state of a grid.

    Attributes:
        query: what is asked; only its ``QUERY_PARTS`` play a part.
        page_size: rows of a window, or None for the grid's page size.
        layout: the columns in their order; those that are missing come after them, as the grid has them.
    """

    query: GridQuery = NOTHING_ASKED
    page_size: int | None = None
    layout: tuple[ColumnLayout, ...] = ()

    def query_dict(self) -> MutableJSONObject:
        """Write the parts of the query that say something, as they stand in a rows request."""
        written = self.query.to_dict()
        return {part: written[part] for part in QUERY_PARTS if written.get(part)}

    def to_dict(self) -> MutableJSONObject:
        """Write the state as JSON; reading that gives an equal state."""
        query = self.query_dict()
        if self.page_size is not None:
            query["pageSize"] = self.page_size
        columns = [column.to_dict() for column in self.layout]
        return {"v": STATE_VERSION, "query": query, "layout": {"columns": columns} if columns else {}}


def refuse_large_state(raw: Any) -> None:
    """Refuse a state that takes more room than one may.

    Raises:
        ViewError: for more than ``STATE_BYTES_MAX`` bytes of JSON.
    """
    size = len(json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode())
    if size > settings().STATE_BYTES_MAX:
        raise ViewError.at("", f"The state has {size} bytes; at most {settings().STATE_BYTES_MAX} are allowed.")


def split_state(raw: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the parts of the query, and of the layout, of a state of this version.

    Raises:
        QueryError: for another version, or unknown keys.
    """
    raw = read_object(raw, "", ("v", "query", "layout"))
    if raw.get("v", STATE_VERSION) != STATE_VERSION:
        raise QueryError.at("/v", f"This site stores version {STATE_VERSION} of states.")
    query, layout = ({} if raw.get(key) is None else raw[key] for key in ("query", "layout"))
    return (
        read_object(query, "/query", (*QUERY_PARTS, "pageSize")),
        read_object(layout, "/layout", ("columns",)),
    )


def stored_state(raw: JSONObject, version: int) -> Any:
    """Return a stored state as this version writes it.

    Args:
        raw: what was stored.
        version: the version that it was stored in.

    Raises:
        QueryError: for a version that this site does not know, because a newer one stored it.
    """
    if version != STATE_VERSION:
        raise QueryError.at("", f"The state was stored in version {version}; this site knows {STATE_VERSION}.")
    return raw


def read_page_size(raw: Any, at: str) -> int:
    """Read the rows of a window.

    Raises:
        QueryError: for anything but a whole number from 1 to ``PAGE_SIZE_MAX``.
    """
    return read_whole(raw, at, 1, settings().PAGE_SIZE_MAX)


def read_layout(raw: Any, at: str) -> tuple[ColumnLayout, ...]:
    """Read the layout of columns.

    Raises:
        QueryError: for anything else, and for a column that is there twice.
    """
    found = tuple(_column(item, f"{at}/{index}") for index, item in enumerate(read_list(raw, at, COLUMNS_MAX)))
    seen: set[str] = set()
    for index, column in enumerate(found):
        if column.col in seen:
            raise QueryError.at(f"{at}/{index}/col", f"The column {column.col!a} is laid out twice.")
        seen.add(column.col)
    return found


def _column(raw: Any, at: str) -> ColumnLayout:
    raw = read_object(raw, at, ("col", "hidden", "width", "pin"))
    if "col" not in raw:
        raise QueryError.at(at, "The column's layout has no 'col'.")
    hidden, width, pin = (raw.get(key) for key in ("hidden", "width", "pin"))
    if not isinstance(hidden, bool | None):
        raise QueryError.at(f"{at}/hidden", "Expected true or false.")
    side = None if pin is None else read_word(pin, f"{at}/pin", ("left", "right"))
    return ColumnLayout(
        read_text(raw["col"], f"{at}/col"),
        hidden=bool(hidden),
        width=None if width is None else read_whole(width, f"{at}/width", 1, WIDTH_MAX),
        pin=None if side is None else ("left" if side == "left" else "right"),
    )
