"""Isolated storage: the rows of one plugin, and no argument that could name another."""

from __future__ import annotations

import json

from django.db import transaction
from django.db.models import QuerySet, Sum

from gridkit_django.exceptions import PluginError, StorageQuotaError
from gridkit_django.models import InstalledPlugin, PluginStorageItem
from gridkit_django.plugins.savepoints import database
from gridkit_django.typing import JSONValue

KEY_LENGTH_MAX = 200


class DatabaseStorage:
    """Keeps the values of one plugin as rows.

    Args:
        plugin_id: whose.
        quota_mb: size of all keys and values together at most, in MB of UTF-8 JSON.
    """

    def __init__(self, plugin_id: str, quota_mb: int) -> None:
        self._plugin_id = plugin_id
        self._quota = quota_mb * 1_000_000

    def get(self, key: str) -> JSONValue:
        """Return the value of ``key``, or None."""
        found: JSONValue = self._items().filter(key=key).values_list("value", flat=True).first()
        return found

    def set(self, key: str, value: JSONValue) -> None:
        """Store ``value`` under ``key``.

        Raises:
            StorageQuotaError: when the storage would grow over its quota; nothing is stored then.
            PluginError: for a key of the wrong length or a value that is no JSON.
        """
        size = len(_checked_key(key).encode()) + len(_as_json(value).encode())
        owner = InstalledPlugin.objects.values_list("pk", flat=True).get(plugin_id=self._plugin_id)
        with transaction.atomic(using=database()):
            PluginStorageItem.objects.update_or_create(
                plugin_id=owner, key=key, defaults={"value": value, "size": size}
            )
            if self.used_bytes() > self._quota:
                raise StorageQuotaError(
                    f"The storage of {self._plugin_id} would grow over its {self._quota // 1_000_000} MB with {key!r}. "
                    "Delete what is no longer needed, or raise max_storage_mb in the manifest.",
                    extra={"plugin": self._plugin_id, "quota": self._quota},
                )

    def delete(self, key: str) -> bool:
        """Delete ``key``; whether there was one."""
        return self._items().filter(key=key).delete()[0] > 0

    def clear(self) -> int:
        """Delete all keys; how many there were."""
        return self._items().delete()[0]

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that start with ``prefix``, sorted."""
        return list(self._items().filter(key__startswith=prefix).order_by("key").values_list("key", flat=True))

    def used_bytes(self) -> int:
        """Return the size of all keys and values, in bytes."""
        return self._items().aggregate(total=Sum("size"))["total"] or 0

    def _items(self) -> QuerySet[PluginStorageItem]:
        return PluginStorageItem.objects.filter(plugin__plugin_id=self._plugin_id)


def _checked_key(key: str) -> str:
    if not key or len(key) > KEY_LENGTH_MAX or "\x00" in key:
        raise PluginError(f"A storage key has 1 to {KEY_LENGTH_MAX} characters; {key[:50]!r} does not.")
    return key


def _as_json(value: JSONValue) -> str:
    """Return the JSON text of a value.

    Raises:
        PluginError: when it is no JSON, or holds U+0000, which PostgreSQL can't store.
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginError(f"Only JSON values can be stored: {error}.") from error
    if "\\u0000" in text:
        raise PluginError("A stored text can't hold the character U+0000.")
    return text
