"""The counter of a plugin's storage: one row that every write passes, so that the quota holds to the byte."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import F, QuerySet, Sum

from gridkit_django.exceptions import StorageQuotaError
from gridkit_django.models import PluginStorageItem, PluginStorageUsage
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.storage_standing import Standing


class StorageCounter:
    """Moves the counter of one plugin, inside the transaction of the write that it counts.

    Moving it locks its row until that transaction ends, so writers that change sizes come one after the other. What a
    writer read before it held the lock may be stale; so it says how far it thinks that the counter moves, and is asked
    again once nobody else can write.

    Args:
        plugin_id: whose, for the message.
        quota: bytes at most.
        standing: how the writer stands to what is stored; None for one that follows any version.
    """

    def __init__(self, plugin_id: str, quota: int, standing: Standing | None = None) -> None:
        self._plugin_id = plugin_id
        self._quota = quota
        self._standing = standing or Standing(plugin_id, None)

    def charge(self, owner: int, guess: int, exact: Callable[[], int]) -> None:
        """Move the counter by ``exact()`` bytes.

        Args:
            owner: primary key of the plugin's row.
            guess: what ``exact`` will probably say; when it is right, this takes one conditional UPDATE.
            exact: asked while the counter is locked; below 0 when storage becomes free, which is never refused.

        Raises:
            StorageQuotaError: when the storage would grow over its quota.
            StorageOvertakenError: when the storage follows another version by now.
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
        """Set the counter to 0, because everything is deleted in the same transaction.

        Raises:
            StorageOvertakenError: when the storage follows another version by now.
        """
        if not self._row(owner).update(used_bytes=0):
            self._lock(owner)
            self._row(owner).update(used_bytes=0)

    def _move(self, owner: int, by: int) -> bool:
        row = self._row(owner) if by <= 0 else self._row(owner).filter(used_bytes__lte=self._quota - by)
        return row.update(used_bytes=F("used_bytes") + by) > 0

    def _lock(self, owner: int) -> None:
        """Lock the row without moving it; make it when it is not there."""
        usage = lock_usage(owner, self._standing.version or 1)
        self._standing.check(usage.storage_version)

    def _row(self, owner: int) -> QuerySet[PluginStorageUsage]:
        row = PluginStorageUsage.objects.using(database()).filter(plugin_id=owner)
        version = self._standing.version
        return row if version is None else row.filter(storage_version=version)


def lock_usage(owner: int, version: int) -> PluginStorageUsage:
    """Lock the counter of a plugin until the transaction ends; make it when it is not there.

    Args:
        owner: primary key of the plugin's row.
        version: the ``storage_version`` of what is stored when there is no counter yet.
    """
    rows = PluginStorageUsage.objects.using(database()).select_for_update()
    found = rows.filter(plugin_id=owner).first()
    if found is None:
        defaults = {"used_bytes": _stored_bytes(owner), "storage_version": version}
        found, _ = rows.get_or_create(plugin_id=owner, defaults=defaults)
    return found


def _stored_bytes(owner: int) -> int:
    items = PluginStorageItem.objects.using(database()).filter(plugin_id=owner)
    return items.aggregate(total=Sum("size"))["total"] or 0
