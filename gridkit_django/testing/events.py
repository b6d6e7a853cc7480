"""Sending events to plugins, with payloads as a site would make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.events import Actor, EventSource, GridEvent, acting, canonical_type, event_bus, make_event
from gridkit_django.grids import grid_registry
from gridkit_django.typing import JSONValue, User

_PLUGIN = "@example/another-plugin"
_JOB = "5f0c5a9e-6f7d-4a59-9f2b-0d5b7d2a3c11"


class EventSender:
    """Emits events as the site does: through the bus, its middleware and all moments.

    Args:
        grid: id of the grid that the events happen on.
    """

    def __init__(self, grid: str) -> None:
        self.grid = grid

    def __call__(
        self, event_type: str, payload: Mapping[str, JSONValue] | None = None, *, user: User | None = None
    ) -> GridEvent | None:
        """Emit one event; outside a transaction ``committed`` handlers are called too.

        Args:
            event_type: a type or an alias.
            payload: its values; None for the first of ``sample_payloads``.
            user: who acts; None for the system.

        Returns:
            The event as the handlers saw it, or None when middleware dropped it.

        Raises:
            EventRejected: when a ``before`` handler vetoes.
            PluginHandlerError: when a critical handler raises.
            UnknownEventTypeError: when there is no such type.
        """
        grid = None if event_type.startswith("plugin:") else self.grid
        values = sample_payloads(event_type)[0] if payload is None else payload
        actor = Actor.system("tests") if user is None else Actor.from_user(user)
        sender: Any = GridEvent if grid is None else grid_registry().get(grid)
        with acting(actor, EventSource.SYSTEM if user is None else EventSource.API):
            return event_bus().emit(make_event(event_type, values, grid=grid), sender=sender)


def sample_payloads(event_type: str) -> tuple[Mapping[str, JSONValue], ...]:
    """Return payloads that events of a type may have: a usual one first, then one whose values are empty.

    Args:
        event_type: a type or an alias.

    Raises:
        UnknownEventTypeError: when there is no such type.
    """
    name = canonical_type(event_type)
    if name.startswith("plugin:"):
        return ({"pluginId": _PLUGIN, "version": "1.0.0"}, {"pluginId": _PLUGIN, "version": ""})
    return _SAMPLES[name]


_ROW: Mapping[str, JSONValue] = {"rowId": "1", "values": {"name": "Readers"}}
_NO_ROW: Mapping[str, JSONValue] = {"rowId": "2", "values": {"name": None}}
_COLUMN: tuple[Mapping[str, JSONValue], ...] = ({"column": "name"}, {"column": "country"})
_VIEW: tuple[Mapping[str, JSONValue], ...] = (
    {"viewId": _JOB, "name": "Mine", "scope": "private"},
    {"viewId": _JOB, "name": "", "scope": "public"},
)

_SAMPLES: Mapping[str, tuple[Mapping[str, JSONValue], ...]] = {
    "row:create": (_ROW, _NO_ROW),
    "row:delete": (_ROW, _NO_ROW),
    "row:update": (
        {"rowId": "1", "changes": {"name": ["Readers", "Writers"]}, "versionBefore": "v1", "version": "v2"},
        {"rowId": "2", "changes": {}, "versionBefore": "", "version": ""},
    ),
    "cell:edit": (
        {"rowId": "1", "column": "name", "old": "Readers", "new": "Writers"},
        {"rowId": "2", "column": "name", "old": None, "new": None},
    ),
    "export:request": (
        {"jobId": _JOB, "format": "csv", "query": {"sort": [{"col": "name", "dir": "asc"}]}},
        {"jobId": _JOB, "format": "csv", "query": {}},
    ),
    "export:finish": (
        {"jobId": _JOB, "format": "csv", "state": "finished", "rows": 2, "size": 64, "ms": 900},
        {"jobId": _JOB, "format": "csv", "state": "failed", "rows": 0, "size": 0, "ms": 40},
    ),
    "row:select": ({"rowId": "1"}, {"rowId": ""}),
    "row:deselect": ({"rowId": "1"}, {"rowId": ""}),
    "cell:focus": ({"rowId": "1", "column": "name"}, {"rowId": "1", "column": "name"}),
    "filter:apply": (
        {"filter": {"col": "name", "op": "contains", "value": "a"}, "count": 1},
        {"filter": None, "count": 0},
    ),
    "sort:change": ({"sort": [{"col": "name", "dir": "desc"}]}, {"sort": []}),
    "page:change": ({"window": {"offset": 100, "limit": 100}}, {"window": {}}),
    "column:show": _COLUMN,
    "column:hide": _COLUMN,
    "column:move": ({"column": "name", "index": 0}, {"column": "country", "index": 1}),
    "column:resize": ({"column": "name", "width": 120}, {"column": "country", "width": 1}),
    "column:pin": ({"column": "name", "side": "left"}, {"column": "name", "side": None}),
    "view:save": _VIEW,
    "view:load": _VIEW,
    "view:delete": _VIEW,
}
