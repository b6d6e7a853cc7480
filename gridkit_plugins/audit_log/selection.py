"""Which events are recorded by whom: rows by the core's capture, the rest by the plugin; some by the core anyway."""

from __future__ import annotations

from collections.abc import Iterable

from gridkit_django.events import matching_types

_RECORDED_BY_CORE = ("export:", "plugin:")
"""Namespaces whose facts the core records even when this plugin is off; a second record would be a false one."""

_ROWS = {
    "row:create": "row.create",
    "row:update": "row.update",
    "row:delete": "row.delete",
    "cell:edit": "row.update",
}
"""Events of rows, and the writes that are followed for them: the record of a cell is that of its row."""


def recorded_types(patterns: Iterable[str]) -> frozenset[str]:
    """Return the event types that the plugin records itself for these patterns."""
    types = frozenset(name for pattern in patterns for name in matching_types(pattern))
    return frozenset(name for name in types if name not in _ROWS and not name.startswith(_RECORDED_BY_CORE))


def followed_actions(patterns: Iterable[str]) -> list[str]:
    """Return the writes to rows that the core is asked to record for these patterns."""
    types = frozenset(name for pattern in patterns for name in matching_types(pattern))
    return sorted({action for name, action in _ROWS.items() if name in types})
