"""What the payload of each interaction must hold, read strictly and through the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from django.db import connections

from gridkit_django.exceptions import QueryError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.filters import FilterCompiler
from gridkit_django.grids.query import COLUMNS_MAX, GridQuery
from gridkit_django.grids.search import search_condition
from gridkit_django.grids.sorting import bind_term
from gridkit_django.grids.state_gate import read_state
from gridkit_django.grids.strict import read_object, read_text, read_whole, read_word
from gridkit_django.grids.view_state import WIDTH_MAX
from gridkit_django.grids.views import get_view
from gridkit_django.grids.zones import zone_of
from gridkit_django.typing import JSONValue, MutableJSONObject

_COUNT_MAX = 2**53
_MS_MAX = 86_400_000


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload that passed the gate.

    Attributes:
        values: what the event carries.
        row: the row that it names, as sent, or None; whether the user may see it is judged for all events at once.
    """

    values: MutableJSONObject
    row: JSONValue = None


Reader: TypeAlias = Callable[[GridAccess, Any], Payload]


def _row(access: GridAccess, raw: Any) -> Payload:
    return _of_row(read_object(raw, "", ("rowId",)))


def _of_row(raw: Mapping[str, Any]) -> Payload:
    row = raw.get("rowId")
    if isinstance(row, bool) or not isinstance(row, (int, str)):
        raise QueryError.at("/rowId", "Expected the id of a row.")
    return Payload({"rowId": read_text(str(row), "/rowId", 200)}, row)


def _cell(access: GridAccess, raw: Any) -> Payload:
    raw = read_object(raw, "", ("rowId", "column"))
    found = _of_row(raw)
    return Payload({**found.values, "column": _column(access, raw)}, found.row)


def _column(access: GridAccess, raw: Mapping[str, Any]) -> str:
    return access.column(read_text(raw.get("column"), "/column"), "/column").id


def _plain_column(access: GridAccess, raw: Any) -> Payload:
    return Payload({"column": _column(access, read_object(raw, "", ("column",)))})


def _moved_column(access: GridAccess, raw: Any) -> Payload:
    raw = read_object(raw, "", ("column", "index"))
    return Payload({"column": _column(access, raw), "index": read_whole(raw.get("index"), "/index", 0, COLUMNS_MAX)})


def _resized_column(access: GridAccess, raw: Any) -> Payload:
    raw = read_object(raw, "", ("column", "width"))
    return Payload({"column": _column(access, raw), "width": read_whole(raw.get("width"), "/width", 1, WIDTH_MAX)})


def _pinned_column(access: GridAccess, raw: Any) -> Payload:
    raw = read_object(raw, "", ("column", "side"))
    side = raw.get("side")
    return Payload(
        {
            "column": _column(access, raw),
            "side": None if side is None else read_word(side, "/side", ("left", "right")),
        }
    )


def _filter(access: GridAccess, raw: Any) -> Payload:
    raw = read_object(raw, "", ("filter", "search", "count", "ms"))
    query = GridQuery.from_dict({key: raw.get(key) for key in ("filter", "search")})
    frame = Frame(zone_of(access), connections[access.queryset().db].vendor)
    if query.filter is not None:
        FilterCompiler(access, frame).compile(query.filter)
    if query.search:
        search_condition(access, query.search, frame)
    count = raw.get("count")
    written = query.to_dict()
    return Payload(
        {
            "filter": written["filter"],
            "search": query.search,
            "count": None if count is None else read_whole(count, "/count", 0, _COUNT_MAX),
            **_duration(raw),
        }
    )


def _sort(access: GridAccess, raw: Any) -> Payload:
    raw = read_object(raw, "", ("sort", "ms"))
    query = GridQuery.from_dict({"sort": raw.get("sort")})
    for index, term in enumerate(query.sort):
        bind_term(access, term, f"/sort/{index}/col")
    return Payload({"sort": [term.to_dict() for term in query.sort], **_duration(raw)})


def _duration(raw: Mapping[str, Any]) -> MutableJSONObject:
    """Return how long the person waited for the rows, when the browser says so."""
    ms = raw.get("ms")
    return {} if ms is None else {"ms": read_whole(ms, "/ms", 0, _MS_MAX)}


def _page(access: GridAccess, raw: Any) -> Payload:
    raw = read_object(raw, "", ("window", "ms"))
    window = GridQuery.from_dict({"window": raw["window"]} if "window" in raw else {}).window
    return Payload({"window": window.to_dict(), **_duration(raw)})


def _view(access: GridAccess, raw: Any) -> Payload:
    raw = read_object(raw, "", ("viewId",))
    view = get_view(access, read_text(raw.get("viewId"), "/viewId"))
    return Payload({"viewId": str(view.pk), "name": view.name, "scope": str(view.scope)})


def _export(access: GridAccess, raw: Any) -> Payload:
    raw = read_object(raw, "", ("format", "query"))
    asked = read_state(access, {"query": raw.get("query")})
    return Payload({"format": read_text(raw.get("format"), "/format"), "query": asked.query_dict()})


PAYLOADS: Mapping[str, Reader] = MappingProxyType(
    {
        "row:select": _row,
        "row:deselect": _row,
        "cell:focus": _cell,
        "filter:apply": _filter,
        "sort:change": _sort,
        "page:change": _page,
        "column:show": _plain_column,
        "column:hide": _plain_column,
        "column:move": _moved_column,
        "column:resize": _resized_column,
        "column:pin": _pinned_column,
        "view:save": _view,
        "view:load": _view,
        "view:delete": _view,
        "export:request": _export,
    }
)
"""Interaction type to the reader of its payload."""
