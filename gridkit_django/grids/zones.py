"""The time zone of a query: in it days begin, and points in time are shown."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo

from django.utils import timezone

from gridkit_django.grids.access import GridAccess


def zone_of(access: GridAccess, tz: str | None = None) -> tzinfo:
    """Return the zone that a query names, else the grid's, else Django's current one.

    Args:
        access: the grid.
        tz: the query's own zone, already checked to exist.
    """
    name = tz or access.options.time_zone
    return timezone.get_current_timezone() if name is None else ZoneInfo(name)
