"""The counter of a plugin's storage: one row that every write passes, so that the quota holds to the byte."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import F, QuerySet, Sum

from gridkit_django.exceptions import StorageQuotaError
from gridkit_django.models import PluginStorageItem, PluginStorageUsage
from gridkit_django.plugins.savepoints import database


class StorageCounter:
    """Moves the counter of one plugin, inside the transaction of the write that it counts.

    Moving it locks its row until that transaction ends, so writers that change sizes come one after the other. What a
    writer read before it held the lock may be stale; so it says how far it thinks that the counter moves, and is asked
    again once nobody else can write.

    Args:
        plugin_id: whose, for the message.
        quota: bytes at most.
    """

    def __init__(self, plugin_id: str, quota: int) -> None:
        self._plugin_id = plugin_id
        self._quota = quota

    def charge(self, owner: int, guess: int, exact: Callable[[], int]) -> None:
        """Move the counter by ``exact()`` bytes.

        Args:
            owner: primary key of the plugin's row.
            guess: what ``exact`` will probably say; when it is right, this takes one conditional UPDATE.
            exact: asked while the counter is locked; below 0 when storage becomes free, which is never refused.

        Raises:
            StorageQuotaError: when the storage would grow over its quota.
        """
        moved = self._move(owner, guess)
        if not moved:
            self._lock(owner)
        rest = exact() - (guess if moved else 0)
        if rest and not self._move(owner, rest):
            raise StorageQuotaError(
                f"The storage of {self._plugin_id} would grow over its {self._quota // 1_000_000} MB. "
                "Delete what is no longer needed, or raise max_storage_mb in the manifest.",
                extra={"plugin": self._plugin_id, "quota": self._quota},
            )

    def reset(self, owner: int) -> None:
        """Set the counter to 0, because everything is deleted in the same transaction."""
        if not _row(owner).update(used_bytes=0):
            self._lock(owner)
            _row(owner).update(used_bytes=0)

    def _move(self, owner: int, by: int) -> bool:
        row = _row(owner) if by <= 0 else _row(owner).filter(used_bytes__lte=self._quota - by)
        return row.update(used_bytes=F("used_bytes") + by) > 0

    def _lock(self, owner: int) -> None:
        """Lock the row without moving it; make it when it is not there."""
        if _row(owner).select_for_update().first() is None:
            rows = PluginStorageUsage.objects.using(database()).select_for_update()
            rows.get_or_create(plugin_id=owner, defaults={"used_bytes": _stored_bytes(owner)})


def _stored_bytes(owner: int) -> int:
    items = PluginStorageItem.objects.using(database()).filter(plugin_id=owner)
    return items.aggregate(total=Sum("size"))["total"] or 0


def _row(owner: int) -> QuerySet[PluginStorageUsage]:
    return PluginStorageUsage.objects.using(database()).filter(plugin_id=owner)
