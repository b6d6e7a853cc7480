"""What is set aside of a plugin's storage: which versions of it, how much, for which code; and removing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import StorageCopyNotFoundError
from gridkit_django.models import InstalledPlugin, KnownGood, PluginStorageCopy, PluginStorageUsage
from gridkit_django.plugins.change import acting_as, get_row
from gridkit_django.plugins.packages import kept_among
from gridkit_django.plugins.quota import lock_usage
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.spec import stored_version
from gridkit_django.typing import User


@dataclass(frozen=True, slots=True)
class StorageCopy:
    """What was set aside of one version of a plugin's storage.

    Attributes:
        storage_version: the version of what is stored.
        keys: how many keys it has.
        bytes: size of keys and values together.
        taken_at: when it was set aside.
        versions: versions of the plugin that follow it and whose files are kept: it comes back with them.
        known_good: whether the last known good state needs it.
    """

    storage_version: int
    keys: int
    bytes: int
    taken_at: datetime
    versions: tuple[str, ...]
    known_good: bool


@dataclass(frozen=True, slots=True)
class StoredNow:
    """What a plugin stores, and what is set aside beside it.

    Attributes:
        storage_version: the version of what is stored now.
        keys: how many keys there are.
        bytes: size of keys and values together.
        copies: what is set aside, the newest version first.
    """

    storage_version: int
    keys: int
    bytes: int
    copies: tuple[StorageCopy, ...]


def look_at_storage(plugin_id: str) -> StoredNow:
    """Return what a plugin stores, and what is set aside beside it. No value is read.

    Args:
        plugin_id: which plugin.

    Raises:
        PluginNotFoundError: when it is not installed.
    """
    row = get_row(plugin_id)
    usage = PluginStorageUsage.objects.using(database()).filter(plugin=row).first()
    found = PluginStorageCopy.objects.using(database()).filter(plugin=row).defer("values").order_by("-storage_version")
    followers, good = _followers(row), _known_good(row)
    return StoredNow(
        storage_version=usage.storage_version if usage is not None else stored_version(row),
        keys=row.storage_items.using(database()).count(),
        bytes=usage.used_bytes if usage is not None else 0,
        copies=tuple(
            StorageCopy(
                storage_version=item.storage_version,
                keys=item.key_count,
                bytes=item.used_bytes,
                taken_at=item.taken_at,
                versions=followers.get(item.storage_version, ()),
                known_good=item.storage_version == good,
            )
            for item in found
        ),
    )


def remove_copy(plugin_id: str, storage_version: int, user: User | None) -> None:
    """Delete what is set aside of one version of a plugin's storage; recorded as ``plugin.forget_storage``.

    Versions of the plugin that follow it can't come back from then on. Nothing brings it back.

    Args:
        plugin_id: which plugin.
        storage_version: which version of its storage.
        user: who does it.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        StorageCopyNotFoundError: when nothing is set aside of that version.
    """
    row = get_row(plugin_id)
    with acting_as(user), transaction.atomic(using=database()):
        lock_usage(row.pk, stored_version(row))
        copies = PluginStorageCopy.objects.using(database()).filter(plugin=row, storage_version=storage_version)
        found = copies.defer("values").first()
        if found is None:
            raise StorageCopyNotFoundError(
                f"Nothing is set aside of version {storage_version} of the storage of {plugin_id}.",
                extra={"plugin": plugin_id},
            )
        copies.delete()
        evidence = {"storageVersion": storage_version, "keys": found.key_count, "bytes": found.used_bytes}
        record("plugin.forget_storage", target=Target.plugin(plugin_id), evidence=evidence)


def _followers(row: InstalledPlugin) -> Mapping[int, tuple[str, ...]]:
    """Return the versions whose files are kept, the newest first, by the version of the storage that they follow."""
    rows = list(row.versions.using(database()).order_by("-pk"))
    kept = kept_among([item.digest for item in rows])
    found: dict[int, dict[str, None]] = {}
    for item in rows:
        if item.digest in kept:
            found.setdefault(item.storage_version, {})[item.version] = None
    return {version: tuple(names) for version, names in found.items()}


def _known_good(row: InstalledPlugin) -> int | None:
    good = KnownGood.objects.using(database()).filter(plugin=row)
    return good.values_list("version__storage_version", flat=True).first()
