"""Which events are recorded: patterns of the configuration, without what the core records itself."""

from __future__ import annotations

from collections.abc import Iterable

from gridkit_django.events import matching_types

_RECORDED_BY_CORE = ("export:", "plugin:")
"""Namespaces whose facts the core records even when this plugin is off; a second record would be a false one."""


def recorded_types(patterns: Iterable[str]) -> frozenset[str]:
    """Return the event types that the plugin records for these patterns."""
    types = frozenset(name for pattern in patterns for name in matching_types(pattern))
    return frozenset(name for name in types if not name.startswith(_RECORDED_BY_CORE))
