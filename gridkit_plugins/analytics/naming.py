"""What events are called: the names of the specification, or those of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gridkit_django.events import canonical_type, matching_types
from gridkit_plugins.analytics.config import AnalyticsConfig, CustomEvent

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "row:select": "Table Row Selected",
        "row:deselect": "Table Row Deselected",
        "filter:apply": "Table Filter Applied",
        "sort:change": "Table Sort Changed",
        "page:change": "Table Page Changed",
        "cell:edit": "Table Cell Edited",
        "row:create": "Table Row Created",
        "row:delete": "Table Row Deleted",
        "column:show": "Table Column Shown",
        "column:hide": "Table Column Hidden",
        "column:move": "Table Column Moved",
        "column:resize": "Table Column Resized",
        "column:pin": "Table Column Pinned",
        "view:save": "Table View Saved",
        "view:load": "Table View Opened",
        "view:delete": "Table View Deleted",
        "export:request": "Table Export Requested",
        "export:finish": "Table Export Finished",
    }
)
"""Tracked by ``auto_track``. An edit is told cell by cell, so ``row:update`` is not among them."""

NAMES_IN_BULK: Mapping[str, str] = MappingProxyType(
    {"cell:edit": "Table Cells Edited", "row:delete": "Table Rows Deleted"}
)
"""What a bulk change is called: it is told once, with the number of its rows."""


def tracked_types(config: AnalyticsConfig) -> frozenset[str]:
    """Return the event types that are tracked under some name."""
    custom = frozenset(name for pattern in config.custom_events for name in matching_types(pattern))
    return custom | (frozenset(NAMES) if config.auto_track else frozenset())


def name_of(config: AnalyticsConfig, event_type: str, *, in_bulk: bool = False) -> CustomEvent | None:
    """Return the name of an event and the properties that are told; None when it is not tracked.

    Of several patterns the most exact one counts.
    """
    namespace = event_type.partition(":")[0]
    exact = {canonical_type(key): key for key in config.custom_events if not key.endswith("*")}
    for key in (exact.get(event_type, ""), f"{namespace}:*", "*"):
        found = config.custom_events.get(key)
        if found is not None:
            return found if isinstance(found, CustomEvent) else CustomEvent(name=found)
    names = {**NAMES, **NAMES_IN_BULK} if in_bulk else NAMES
    usual = names.get(event_type) if config.auto_track else None
    return CustomEvent(name=usual) if usual else None
