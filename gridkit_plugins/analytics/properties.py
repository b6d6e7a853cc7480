"""What is told of an event: what a product analyst needs, and no value of a row unless its column is listed.

Each type has a function of its own that takes out what it knows; whatever else a payload holds stays here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from gridkit_django.events import BulkPart, GridEvent
from gridkit_django.grids import grid_registry, personal_columns
from gridkit_plugins.analytics.config import AnalyticsConfig
from gridkit_plugins.analytics.identity import row_of

_LIST_MAX = 50
_TEXT_LENGTH = 250

Payload = Mapping[str, Any]
Told = dict[str, Any]


def sendable_columns(config: AnalyticsConfig, grid: str | None) -> frozenset[str]:
    """Return the columns of a grid whose values may be sent: listed, not personal, and seen by everybody.

    Args:
        config: of the grid.
        grid: its id.
    """
    if not config.allowed_columns:
        return frozenset()
    found = {item.options.id: item for item in grid_registry().all()}.get(grid or "")
    if found is None:
        return frozenset()
    open_columns = {name for name, column in found.columns().items() if column.permission is None}
    return frozenset(config.allowed_columns) & open_columns - personal_columns(found)


def properties_of(event: GridEvent, config: AnalyticsConfig, fields: list[str] | None = None) -> Told:
    """Return what is told of an event.

    Args:
        event: what happened.
        config: of its grid.
        fields: names of the properties that are told; None for all.
    """
    payload = dict(event.payload)
    allowed = sendable_columns(config, event.grid)
    told: Told = {"grid": event.grid, "source": event.source.value}
    if event.bulk is not None:
        told.update(_bulk(event.bulk))
    else:
        if "rowId" in payload:
            told["rowId"] = row_of(config, event.grid or "", str(payload["rowId"]))
        told.update(_READERS.get(event.type, _nothing)(payload, allowed))
    kept = {key: _short(value) for key, value in told.items() if value is not None}
    return kept if fields is None else {key: value for key, value in kept.items() if key in fields}


def filter_leaves(tree: Any) -> Iterator[Payload]:
    """Yield the conditions of a filter."""
    if isinstance(tree, Mapping):
        if isinstance(tree.get("col"), str):
            yield tree
        for branch in ("and", "or", "not"):
            yield from filter_leaves(tree.get(branch))
    elif isinstance(tree, list | tuple):
        for item in tree:
            yield from filter_leaves(item)


def _bulk(part: BulkPart) -> Told:
    """Tell of a bulk change as a whole: no row of it, and no value."""
    columns = list(part.columns)
    return {"rowCount": part.rows, "columns": columns or None, "columnCount": len(columns) or None}


def _filter(payload: Payload, allowed: frozenset[str]) -> Told:
    leaves = list(filter_leaves(payload.get("filter")))
    shown = [
        {"column": leaf["col"], "op": leaf.get("op"), **{key: leaf[key] for key in ("value", "to") if key in leaf}}
        for leaf in leaves
        if leaf["col"] in allowed
    ]
    return {
        "filterCount": len(leaves),
        "columns": [leaf["col"] for leaf in leaves],
        "operators": [str(leaf.get("op")) for leaf in leaves],
        "searched": bool(payload.get("search")),
        "resultCount": payload.get("count"),
        "durationMs": payload.get("ms"),
        "filters": shown or None,
    }


def _sort(payload: Payload, _allowed: frozenset[str]) -> Told:
    terms = payload.get("sort") or []
    return {
        "sortCount": len(terms),
        "columns": [term["col"] for term in terms],
        "directions": [term.get("dir", "asc") for term in terms],
        "durationMs": payload.get("ms"),
    }


def _page(payload: Payload, _allowed: frozenset[str]) -> Told:
    """Tell where the window begins and how large it is; a cursor holds values of a row and is not told."""
    window = payload.get("window") or {}
    start, end = window.get("start"), window.get("end")
    rows = end - start if isinstance(start, int) and isinstance(end, int) else window.get("size")
    return {"kind": window.get("kind"), "start": start, "rows": rows, "durationMs": payload.get("ms")}


def _cell(payload: Payload, allowed: frozenset[str]) -> Told:
    values = {key: payload.get(key) for key in ("old", "new")} if payload.get("column") in allowed else {}
    return {"column": payload.get("column"), **values}


def _values(payload: Payload, allowed: frozenset[str]) -> Told:
    values = payload.get("values") or {}
    return {"columnCount": len(values), "values": {key: values[key] for key in values if key in allowed} or None}


def _changes(payload: Payload, allowed: frozenset[str]) -> Told:
    changes = payload.get("changes") or {}
    return {
        "columns": list(changes),
        "columnCount": len(changes),
        "changes": {key: changes[key] for key in changes if key in allowed} or None,
    }


def _layout(payload: Payload, _allowed: frozenset[str]) -> Told:
    return {key: payload.get(key) for key in ("column", "index", "width", "side")}


def _view(payload: Payload, _allowed: frozenset[str]) -> Told:
    """Tell which view it was; its name is a text that a person wrote."""
    return {key: payload.get(key) for key in ("viewId", "scope", "created")}


def _export(payload: Payload, _allowed: frozenset[str]) -> Told:
    query = payload.get("query") or {}
    columns = query.get("columns") or []
    leaves = list(filter_leaves(query.get("filter")))
    return {
        "format": payload.get("format"),
        "columns": columns,
        "columnCount": len(columns) or None,
        "filterCount": len(leaves),
        "searched": bool(query.get("search")),
    }


def _file(payload: Payload, _allowed: frozenset[str]) -> Told:
    return {
        "format": payload.get("format"),
        "state": payload.get("state"),
        "rowCount": payload.get("rows"),
        "bytes": payload.get("size"),
        "durationMs": payload.get("ms"),
    }


def _plugin(payload: Payload, _allowed: frozenset[str]) -> Told:
    return {key: payload.get(key) for key in ("pluginId", "version")}


def _nothing(_payload: Payload, _allowed: frozenset[str]) -> Told:
    return {}


def _short(value: Any, depth: int = 2) -> Any:
    """Return a value of bounded size: texts and lists are cut, what lies deeper becomes a text."""
    if isinstance(value, str):
        return value[:_TEXT_LENGTH]
    if isinstance(value, Mapping | list | tuple) and not depth:
        return str(value)[:_TEXT_LENGTH]
    if isinstance(value, Mapping):
        return {key: _short(item, depth - 1) for key, item in list(value.items())[:_LIST_MAX]}
    if isinstance(value, list | tuple):
        return [_short(item, depth - 1) for item in value[:_LIST_MAX]]
    return value


_READERS: Mapping[str, Callable[[Payload, frozenset[str]], Told]] = MappingProxyType(
    {
        "filter:apply": _filter,
        "sort:change": _sort,
        "page:change": _page,
        "cell:edit": _cell,
        "cell:focus": _layout,
        "row:create": _values,
        "row:delete": _values,
        "row:update": _changes,
        "export:request": _export,
        "export:finish": _file,
        **dict.fromkeys(("column:show", "column:hide", "column:move", "column:resize", "column:pin"), _layout),
        **dict.fromkeys(("view:save", "view:load", "view:delete"), _view),
        **dict.fromkeys(
            (
                "plugin:install", "plugin:uninstall", "plugin:update", "plugin:activate", "plugin:deactivate",
                "plugin:configure", "plugin:grant", "plugin:revoke", "plugin:reload", "plugin:fail", "plugin:request",
                "plugin:deny", "plugin:rollback",
            ),
            _plugin,
        ),
    }
)  # fmt: skip
