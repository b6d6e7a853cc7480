"""The plugins that installed packages offer, read anew only when packages came or went."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path

ENTRY_POINT_GROUP = "gridkit.plugins"

_Places = tuple[tuple[str, int], ...]


class OfferedEntryPoints:
    """Knows what the group ``gridkit.plugins`` holds.

    To read it takes some tens of milliseconds with the packages of a usual site, since each of them is opened, and
    a reload asks several times. A package that comes, goes or gets another version changes its folder's time.
    """

    def __init__(self) -> None:
        self._read: tuple[_Places, tuple[str, ...]] = ((), ())

    def values(self) -> tuple[str, ...]:
        """Return what the entry points name, ``package.module:Class`` each, sorted."""
        places = tuple((place, _changed_at(place)) for place in sys.path)
        known, values = self._read
        if known != places:
            values = tuple(sorted({item.value for item in entry_points(group=ENTRY_POINT_GROUP)}))
            self._read = places, values
        return values


def _changed_at(place: str) -> int:
    """Return when a folder or archive of ``sys.path`` was last changed, in nanoseconds; -1 when it is not there."""
    try:
        return Path(place).stat().st_mtime_ns
    except OSError:
        return -1
