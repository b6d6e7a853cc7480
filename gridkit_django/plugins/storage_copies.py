"""Putting another version of a plugin's storage in place; what was there is set aside as a whole, by its version.

All of it happens inside one transaction that holds the plugin's counter and its items, so that a write comes before it,
and is in the copy, or after it, and is refused when its code is of the version before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import transaction
from django.db.models import QuerySet

from gridkit_django.audit import Target, record
from gridkit_django.conf import settings
from gridkit_django.events import EventSource, acting
from gridkit_django.exceptions import PluginError, PluginNotFoundError, StorageMigrationError, StorageVersionError
from gridkit_django.models import InstalledPlugin, PluginStorageCopy, PluginStorageItem, PluginStorageUsage
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.quota import lock_usage
from gridkit_django.plugins.reports import RUNTIME
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.sources import PluginCode
from gridkit_django.plugins.spec import PluginSpec, stored_version
from gridkit_django.plugins.storage import as_column, item_size
from gridkit_django.plugins.storage_migration import judged_sizes, migrated_values
from gridkit_django.typing import JSONValue

_BATCH = 500


def move_storage(row: InstalledPlugin, code: PluginCode, quota_mb: int) -> None:
    """Make what a plugin stored fit other code, before ``row`` names that, inside the change that brings it.

    An older version of the storage is the copy that was set aside when it was left. A newer one is made of the values
    of now; when the same code was at work before and nothing was written since, its copy is taken.

    Args:
        row: the plugin, with the version that was in use.
        code: the code that is to run.
        quota_mb: megabytes that it may store.

    Raises:
        StorageMigrationError: when the storage can't be migrated.
        StorageVersionError: when it follows a newer version, and there is no copy of the one that is wanted.
    """
    plugin = code.plugin_class
    usage = lock_usage(row.pk, stored_version(row))
    if usage.storage_version == plugin.storage_version:
        return
    if usage.storage_version > plugin.storage_version:
        _bring(row, usage, plugin.storage_version)
        return
    _check_size(row, usage)
    values = _stored(row)
    after = _copy_of_code(row, usage, code, values)
    after = migrated_values(row.plugin_id, plugin, values, usage.storage_version) if after is None else after
    _replace(row, usage, values, after, judged_sizes(row.plugin_id, after, quota_mb), plugin.storage_version)


def bring_storage(row: InstalledPlugin, version: int) -> None:
    """Put back what was set aside of a version of the storage, inside the change that puts its code back.

    Args:
        row: the plugin, with the version that was in use.
        version: the version of the storage.

    Raises:
        StorageVersionError: when there is no copy of it.
    """
    usage = lock_usage(row.pk, stored_version(row))
    if usage.storage_version != version:
        _bring(row, usage, version)


@contextmanager
def fitting_storage(spec: PluginSpec, code: PluginCode, quota_mb: int) -> Iterator[None]:
    """Make the storage fit code that starts in the block; when the block raises, put it back.

    Only code that came from outside, in a folder or an installed package, finds another version here. The storage goes
    back by itself only when nobody reported that the newer code ran: another host may run it at this moment.

    Args:
        spec: what is to run.
        code: its code.
        quota_mb: megabytes that it may store.

    Raises:
        PluginNotFoundError: when the plugin was uninstalled meanwhile.
        StorageMigrationError: when the storage can't be migrated.
        StorageVersionError: when it follows a newer version.
    """
    wanted: type[Plugin] = code.plugin_class
    if spec.storage_version == wanted.storage_version:
        yield
        return
    with acting(RUNTIME, EventSource.SYSTEM), transaction.atomic(using=database()):
        row = _locked(spec.plugin_id)
        before = lock_usage(row.pk, stored_version(row)).storage_version
        _check_not_ahead(row, before, wanted.storage_version)
        move_storage(row, code, quota_mb)
    try:
        yield
    except PluginError:
        with acting(RUNTIME, EventSource.SYSTEM), transaction.atomic(using=database()):
            row = _locked(spec.plugin_id)
            if lock_usage(row.pk, before).storage_version == wanted.storage_version:
                bring_storage(row, before)
        raise


def _locked(plugin_id: str) -> InstalledPlugin:
    rows = InstalledPlugin.objects.using(database()).select_for_update(of=("self",))
    row = rows.select_related("current_version").filter(plugin_id=plugin_id).first()
    if row is None:
        raise PluginNotFoundError(f"The plugin {plugin_id!r} is not installed on this site any more.")
    return row


def _check_not_ahead(row: InstalledPlugin, stored: int, wanted: int) -> None:
    in_use = row.current_version.storage_version if row.current_version else 1
    if wanted < stored and wanted < in_use:
        raise StorageVersionError(
            f"The storage of {row.plugin_id} follows version {stored}, and this code version {wanted}. Deploy the "
            "newer code, or go back to the older with a roll back or Reload, which bring the copy of its time.",
            extra={"plugin": row.plugin_id, "stored": stored, "code": wanted},
        )


def _bring(row: InstalledPlugin, usage: PluginStorageUsage, version: int) -> None:
    found = _copies(row).filter(storage_version=version).first()
    if found is None:
        raise StorageVersionError(
            f"The storage of {row.plugin_id} follows version {usage.storage_version}, and no copy of version {version} "
            "was set aside. Take a version of the plugin that follows the newer one.",
            extra={"plugin": row.plugin_id, "stored": usage.storage_version, "code": version},
        )
    sizes = {key: item_size(row.plugin_id, key, value) for key, value in found.values.items()}
    _replace(row, usage, _stored(row), found.values, sizes, version)


def _check_size(row: InstalledPlugin, usage: PluginStorageUsage) -> None:
    most = settings().STORAGE_MIGRATION_MB_MAX
    if usage.used_bytes > most * 1_000_000:
        raise StorageMigrationError(
            f"The storage of {row.plugin_id} has {usage.used_bytes} bytes; up to {most} MB are migrated "
            "(STORAGE_MIGRATION_MB_MAX). Raise that, or store less. The storage is unchanged.",
            extra={"plugin": row.plugin_id, "size": usage.used_bytes, "limit": most * 1_000_000},
        )


def _copy_of_code(
    row: InstalledPlugin, usage: PluginStorageUsage, code: PluginCode, values: Mapping[str, JSONValue]
) -> dict[str, JSONValue] | None:
    """Return what the same code stored when it was left, unless something was written since."""
    newer = _copies(row).filter(storage_version=code.plugin_class.storage_version, digest=code.digest).first()
    left = _copies(row).filter(storage_version=usage.storage_version).first() if newer is not None else None
    if newer is None or left is None or left.values != values:
        return None
    found: dict[str, JSONValue] = newer.values
    return found


def _stored(row: InstalledPlugin) -> dict[str, JSONValue]:
    """Read and lock all items: a write of the same size passes no counter."""
    items = PluginStorageItem.objects.using(database()).filter(plugin_id=row.pk).order_by("key").select_for_update()
    return dict(items.values_list("key", "value"))


def _replace(
    row: InstalledPlugin,
    usage: PluginStorageUsage,
    before: Mapping[str, JSONValue],
    after: Mapping[str, JSONValue],
    sizes: Mapping[str, int],
    version: int,
) -> None:
    """Set aside what was there and write the other in its place, each item under a new primary key."""
    digest = row.current_version.digest if row.current_version else ""
    left = usage.storage_version
    kept = {"values": dict(before), "digest": digest, "key_count": len(before), "used_bytes": usage.used_bytes}
    _copies(row).update_or_create(plugin_id=row.pk, storage_version=left, defaults=kept)
    items = PluginStorageItem.objects.using(database())
    items.filter(plugin_id=row.pk).delete()
    made = (
        PluginStorageItem(plugin_id=row.pk, key=key, value=as_column(value), size=sizes[key])
        for key, value in after.items()
    )
    items.bulk_create(made, _BATCH)
    usage.storage_version, usage.used_bytes = version, sum(sizes.values())
    usage.save(update_fields=["storage_version", "used_bytes"])
    evidence = {"from": left, "to": version, "keys": len(after), "aside": len(before.keys() - after.keys())}
    record("plugin.migrate_storage", target=Target.plugin(row.plugin_id), evidence=evidence)


def _copies(row: InstalledPlugin) -> QuerySet[PluginStorageCopy]:
    return PluginStorageCopy.objects.using(database()).filter(plugin_id=row.pk)
