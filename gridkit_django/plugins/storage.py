"""Isolated storage: the rows of one plugin, and no argument that could name another."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import JSONField, QuerySet, Value
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginError, PluginLimitError
from gridkit_django.models import InstalledPlugin, PluginStorageCopy, PluginStorageItem, PluginStorageUsage
from gridkit_django.plugins.quota import StorageCounter
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.storage_standing import Standing
from gridkit_django.typing import JSONValue

KEY_LENGTH_MAX = 200

_VERSION = "plugin__storage_usage__storage_version"

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""The escape of U+0000 in JSON text; an escaped backslash before ``u0000`` is none."""


class DatabaseStorage:
    """Keeps the values of one plugin as rows.

    Args:
        plugin_id: whose.
        quota_mb: size of all keys and values together at most, in MB of UTF-8 JSON.
        standing: how the code that uses it stands to what is stored; None for one that follows any version.
    """

    def __init__(self, plugin_id: str, quota_mb: int, standing: Standing | None = None) -> None:
        self._plugin_id = plugin_id
        self._standing = standing or Standing(plugin_id, None)
        self._counter = StorageCounter(plugin_id, quota_mb * 1_000_000, self._standing)

    def get(self, key: str) -> JSONValue:
        """Return the value of ``key``, or None; of what was set aside, when another version migrated the storage.

        Raises:
            StorageOvertakenError: when nothing was set aside of the version that the code follows.
        """
        value, stored = self._own().filter(key=key).values_list("value", _VERSION).first() or (None, self._version())
        return self._aside(stored).get(key) if self._standing.look(stored) else value

    def set(self, key: str, value: JSONValue) -> None:
        """Store ``value`` under ``key``.

        A value of the same size takes the place of the old one and touches nothing else. Any other write moves the
        plugin's counter, whose row stays locked until the transaction ends: so the quota holds to the byte, whoever
        writes at the same moment.

        Raises:
            StorageQuotaError: when the storage would grow over its quota; nothing is stored then.
            PluginLimitError: for a value of more than ``VALUE_BYTES_MAX``.
            PluginError: for a key of the wrong length or a value that is no JSON.
            StorageOvertakenError: when another version of the plugin has migrated the storage.
        """
        size, stored = item_size(self._plugin_id, key, value), as_column(value)
        owner, old, primary = self._find(key)
        item = self._items(owner).filter(key=key)
        if old == size and _replace(item.filter(pk=primary), size, stored):
            return
        with transaction.atomic(using=database()):
            self._counter.charge(owner, size - old, lambda: size - _size_of(item))
            if not item.update(value=stored, size=size, changed_at=timezone.now()):
                item.create(plugin_id=owner, key=key, value=stored, size=size)

    def delete(self, key: str) -> bool:
        """Delete ``key``; whether there was one.

        Raises:
            StorageOvertakenError: when another version of the plugin has migrated the storage.
        """
        owner, old, _ = self._find(key)
        if not old:
            return False
        item = self._items(owner).filter(key=key)
        with transaction.atomic(using=database()):
            self._counter.charge(owner, -old, lambda: -_size_of(item))
            return item.delete()[0] > 0

    def clear(self) -> int:
        """Delete all keys; how many there were.

        Raises:
            StorageOvertakenError: when another version of the plugin has migrated the storage.
        """
        owner = self._owner()
        with transaction.atomic(using=database()):
            self._counter.reset(owner)
            return self._items(owner).delete()[0]

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that start with ``prefix``, sorted; those set aside, when another version migrated them.

        Raises:
            StorageOvertakenError: when nothing was set aside of the version that the code follows.
        """
        rows = list(self._own().filter(key__startswith=prefix).order_by("key").values_list("key", _VERSION))
        stored = rows[0][1] if rows else self._version()
        if self._standing.look(stored):
            return sorted(key for key in self._aside(stored) if key.startswith(prefix))
        return [key for key, _ in rows]

    def used_bytes(self) -> int:
        """Return the size of all keys and values that are stored now, in bytes."""
        counters = PluginStorageUsage.objects.using(database()).filter(plugin__plugin_id=self._plugin_id)
        return counters.values_list("used_bytes", flat=True).first() or 0

    def _find(self, key: str) -> tuple[int, int, int]:
        """Return the primary key of the plugin's row, and the size and primary key of an item now (0 for none).

        Items get other primary keys when the storage is migrated, so whoever names one can't hit what came after it.
        """
        found = self._own().filter(key=key).values_list("plugin_id", "size", "pk", _VERSION).first()
        if found is None:
            return self._owner(), 0, 0
        owner, size, primary, stored = found
        self._standing.check(stored)
        return owner, size, primary

    def _version(self) -> int | None:
        """Return the version of what is stored; None when nothing was counted yet, or any version will do."""
        if self._standing.version is None:
            return None
        counters = PluginStorageUsage.objects.using(database()).filter(plugin__plugin_id=self._plugin_id)
        return counters.values_list("storage_version", flat=True).first()

    def _aside(self, stored: int | None) -> Mapping[str, JSONValue]:
        """Return all that was set aside of the version that the code follows.

        Raises:
            StorageOvertakenError: when nothing was.
        """
        copies = PluginStorageCopy.objects.using(database()).filter(plugin__plugin_id=self._plugin_id)
        found = copies.filter(storage_version=self._standing.version or 1).values_list("values", flat=True).first()
        if found is None:
            self._standing.check(stored)
        return found or {}

    def _owner(self) -> int:
        return InstalledPlugin.objects.using(database()).values_list("pk", flat=True).get(plugin_id=self._plugin_id)

    def _own(self) -> QuerySet[PluginStorageItem]:
        """Return what reads go to: one query without asking for the plugin's row first."""
        return PluginStorageItem.objects.using(database()).filter(plugin__plugin_id=self._plugin_id)

    def _items(self, owner: int) -> QuerySet[PluginStorageItem]:
        """Return what writes go to.

        The conditions name columns of the item itself: only those does PostgreSQL judge again on a row that it had to
        wait for; a condition on the joined plugin would become a subquery of what was there before the wait.
        """
        return PluginStorageItem.objects.using(database()).filter(plugin_id=owner)


def item_size(plugin_id: str, key: str, value: JSONValue) -> int:
    """Return the bytes of a key and its value as UTF-8 JSON.

    Args:
        plugin_id: whose, for the message.
        key: the key.
        value: the value.

    Raises:
        PluginLimitError: when the value has more than ``VALUE_BYTES_MAX``.
        PluginError: for a key of the wrong length or a value that is no JSON.
    """
    length, size, most = len(_checked_key(key).encode()), len(_as_json(value)), settings().VALUE_BYTES_MAX
    if size > most:
        raise PluginLimitError(
            f"The value for {key!r} has {size} bytes; {most} are the most for one value (VALUE_BYTES_MAX). "
            "Store it in parts, or store less.",
            extra={"plugin": plugin_id, "size": size, "limit": most},
        )
    return length + size


def as_column(value: JSONValue) -> Any:
    """Return a value as Django stores it: the JSON ``null`` is told from SQL's."""
    return Value(None, JSONField()) if value is None else value


def _replace(item: QuerySet[PluginStorageItem], size: int, stored: object) -> bool:
    """Put a value in the place of one of the same size; False when the item has another size by now.

    PostgreSQL locks a row that it had to wait for before it judges the conditions again, and keeps the lock when they
    fail. Whoever holds the lock of an item and then waits for the counter stands in the way of whoever does it the
    other way round; so a replacement that failed is undone with its lock.
    """
    with transaction.atomic(using=database()):
        if item.filter(size=size).update(value=stored, changed_at=timezone.now()):
            return True
        transaction.set_rollback(True, using=database())
    return False


def _size_of(item: QuerySet[PluginStorageItem]) -> int:
    """Return the size of the one item that a queryset names, 0 when it is not there; no item is smaller than 2."""
    return item.values_list("size", flat=True).first() or 0


def _checked_key(key: str) -> str:
    if not key or len(key) > KEY_LENGTH_MAX or "\x00" in key:
        raise PluginError(f"A storage key has 1 to {KEY_LENGTH_MAX} characters; {key[:50]!r} does not.")
    return key


def _as_json(value: JSONValue) -> bytes:
    """Return the JSON text of a value in UTF-8.

    Raises:
        PluginError: when it is no JSON, or holds U+0000 or half a surrogate pair, which databases can't store.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        encoded = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginError(f"Only JSON values can be stored: {error}.") from error
    if _NUL.search(text):
        raise PluginError("A stored text can't hold the character U+0000.")
    return encoded
