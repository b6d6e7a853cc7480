"""How often plugins used their permissions: counted in the process, added to the rows of the grants now and then.

What a plugin calls is counted where the permission is checked. What calls the plugin (handlers, methods, messages) is
counted for its permission from the accounting of these calls, so that an event pays nothing for it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import F

from gridkit_django.models import GrantDecision, PluginPermissionGrant
from gridkit_django.plugins.permissions import covers
from gridkit_django.plugins.savepoints import database

NOTED_MAX = 1000


@dataclass(frozen=True, slots=True)
class Use:
    """What one plugin did with one permission since it was asked last.

    Attributes:
        count: how often it was used.
        last_at: when it was used last, in seconds since 1970.
    """

    count: int
    last_at: float

    def plus(self, other: Use) -> Use:
        """Join two counts."""
        return Use(self.count + other.count, max(self.last_at, other.last_at))


class PermissionUse:
    """Counts the uses of permissions in this process. Safe to share between threads."""

    def __init__(self) -> None:
        self._noted: deque[tuple[str, str, int, float]] = deque()
        self._uses: dict[tuple[str, str], Use] = {}
        self._lock = threading.Lock()

    def add(self, plugin_id: str, permission: str, count: int = 1) -> None:
        """Count uses of a permission by a plugin, now. Only notes them, because each call of a plugin comes here."""
        self._noted.append((plugin_id, permission, count, time.time()))
        if len(self._noted) >= NOTED_MAX:
            with self._lock:
                self._join_noted()

    def take(self) -> dict[tuple[str, str], Use]:
        """Return what was counted since the last time, by plugin id and permission, and begin at zero."""
        with self._lock:
            self._join_noted()
            taken, self._uses = self._uses, {}
        return taken

    def put_back(self, uses: Mapping[tuple[str, str], Use]) -> None:
        """Count again what was taken but could not be stored."""
        with self._lock:
            for key, use in uses.items():
                known = self._uses.get(key)
                self._uses[key] = use if known is None else known.plus(use)

    def _join_noted(self) -> None:
        """Count what was noted; the lock is held."""
        counts: dict[tuple[str, str], tuple[int, float]] = {}
        for _ in range(len(self._noted)):
            plugin_id, permission, count, at = self._noted.popleft()
            before = counts.get((plugin_id, permission), (0, 0.0))
            counts[plugin_id, permission] = (before[0] + count, at)
        for key, (count, at) in counts.items():
            known, use = self._uses.get(key), Use(count, at)
            self._uses[key] = use if known is None else known.plus(use)


def store_uses(uses: Mapping[tuple[str, str], Use]) -> None:
    """Add uses to the grants that allow them; what nobody grants any more is dropped.

    Where a permission is granted twice, by its name and by a wildcard, the use counts for the narrowest.

    Args:
        uses: by plugin id and permission.
    """
    found: dict[int, Use] = {}
    grants = _grants({plugin_id for plugin_id, _ in uses})
    for (plugin_id, permission), use in uses.items():
        allowing = [(len(name), pk) for name, pk in grants.get(plugin_id, ()) if covers(name, permission)]
        if allowing:
            pk = max(allowing)[1]
            found[pk] = use if pk not in found else found[pk].plus(use)
    for pk, use in sorted(found.items()):
        PluginPermissionGrant.objects.using(database()).filter(pk=pk).update(
            use_count=F("use_count") + use.count, last_used_at=datetime.fromtimestamp(use.last_at, UTC)
        )


def _grants(plugin_ids: set[str]) -> dict[str, list[tuple[str, int]]]:
    """Return pattern and primary key of what is granted, by plugin id."""
    rows = PluginPermissionGrant.objects.using(database()).filter(
        plugin__plugin_id__in=plugin_ids, decision=GrantDecision.GRANTED
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for plugin_id, pattern, pk in rows.values_list("plugin__plugin_id", "permission", "pk"):
        found.setdefault(plugin_id, []).append((pattern, pk))
    return found
