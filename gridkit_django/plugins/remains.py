"""The data of a plugin that is uninstalled: what would go, what is kept for a later installation, what is exported.

Kept are the configurations in force and the storage. Grants, health, jobs and what waits in the outbox always go: they
belong to the installation, and who installs a plugin again decides anew what it may do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import JSONField, Sum, Value

from gridkit_django.audit import Target, record
from gridkit_django.models import (
    InstalledPlugin,
    OutboxDeadLetter,
    OutboxMessage,
    PluginRemains,
    PluginRemainsItem,
    PluginStorageCopy,
    PluginStorageItem,
    PluginStorageUsage,
)
from gridkit_django.plugins.change import acting_as, get_row
from gridkit_django.plugins.plan import ChangeKind, PlanChange
from gridkit_django.plugins.planning import plan_site
from gridkit_django.plugins.revisions import ConfigLayer, add_revision, newest_layers
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.secret_values import mask_secrets
from gridkit_django.plugins.spec import stored_version
from gridkit_django.typing import User

_BATCH = 500


class DataFate(StrEnum):
    """What becomes of a plugin's configuration and storage."""

    KEEP = "keep"
    """They are kept, and a later installation finds them again."""
    PURGE = "purge"
    """They are deleted, also what was kept before."""


@dataclass(frozen=True, slots=True)
class UninstallPreview:
    """What would go with a plugin. Nothing is done.

    Attributes:
        plugin_id: the plugin.
        needed_by: active plugins that need it; they must be deactivated first.
        configurations: the scopes that have a configuration: grids, and an empty text for all grids.
        grants: the decisions about its permissions.
        storage_keys: keys in its storage.
        storage_bytes: their size, with their values.
        storage_copies: versions of its storage that are set aside; they go also when the data is kept.
        outbox_messages: messages that were not sent yet.
        dead_letters: messages that could not be sent.
        jobs: its jobs that have a schedule or have run.
        job_runs: their runs.
        versions: versions that this site knows.
    """

    plugin_id: str
    needed_by: tuple[str, ...]
    configurations: tuple[str, ...]
    grants: int
    storage_keys: int
    storage_bytes: int
    storage_copies: int
    outbox_messages: int
    dead_letters: int
    jobs: int
    job_runs: int
    versions: int


def preview_uninstall(plugin_id: str) -> UninstallPreview:
    """Return what would go with a plugin.

    Raises:
        PluginNotFoundError: when it is not installed.
    """
    row = get_row(plugin_id)
    stops = plan_site(PlanChange(ChangeKind.UNINSTALL, plugin_id)).stops
    usage = PluginStorageUsage.objects.using(database()).filter(plugin=row)
    return UninstallPreview(
        plugin_id=plugin_id,
        needed_by=tuple(key for key, reasons in stops.items() if any(item.other == plugin_id for item in reasons)),
        configurations=tuple(sorted(row.configs.order_by().values_list("grid", flat=True).distinct())),
        grants=row.grants.count(),
        storage_keys=row.storage_items.count(),
        storage_bytes=usage.values_list("used_bytes", flat=True).first() or 0,
        storage_copies=PluginStorageCopy.objects.using(database()).filter(plugin=row).count(),
        outbox_messages=OutboxMessage.objects.using(database()).filter(plugin=row).count(),
        dead_letters=OutboxDeadLetter.objects.using(database()).filter(plugin=row).count(),
        jobs=row.schedules.count(),
        job_runs=row.job_runs.count(),
        versions=row.versions.count(),
    )


def export_data(plugin_id: str, user: User | None) -> dict[str, Any]:
    """Return the configurations and the storage of a plugin as plain values; secrets are masked, never exported.

    Args:
        plugin_id: which plugin.
        user: who takes it; an audit record says so.

    Raises:
        PluginNotFoundError: when it is not installed.
    """
    row = get_row(plugin_id)
    schema = row.current_version.config_schema if row.current_version else {}
    layers = newest_layers(plugin=row).get(row.pk, {})
    with acting_as(user):
        record("plugin.export_data", target=Target.plugin(plugin_id))
    return {
        "plugin": plugin_id,
        "version": row.current_version.version if row.current_version else "",
        "configurations": [
            {"grid": layer.grid, "schemaVersion": layer.schema_version, "values": mask_secrets(layer.data, schema)}
            for layer in layers.values()
        ],
        "storage": dict(row.storage_items.order_by("key").values_list("key", "value")),
    }


def has_remains(plugin_id: str) -> bool:
    """Whether data of this plugin is kept from an earlier installation."""
    return PluginRemains.objects.using(database()).filter(plugin_id=plugin_id).exists()


def forget_remains(plugin_id: str) -> bool:
    """Delete what is kept of a plugin that is not installed; whether there was something."""
    return PluginRemains.objects.using(database()).filter(plugin_id=plugin_id).delete()[0] > 0


def keep_remains(row: InstalledPlugin) -> None:
    """Keep configurations and storage of a plugin, in the transaction that removes it, in place of older ones."""
    forget_remains(row.plugin_id)
    version = row.current_version
    layers = newest_layers(plugin=row).get(row.pk, {})
    remains = PluginRemains.objects.using(database()).create(
        plugin_id=row.plugin_id,
        version=version.version if version else "",
        config_schema=version.config_schema if version else {},
        storage_version=stored_version(row),
        configs=[
            {
                "grid": layer.grid,
                "data": dict(layer.data),
                "schema_version": layer.schema_version,
                "aside": dict(layer.aside),
            }
            for layer in layers.values()
        ],
    )
    items = row.storage_items.order_by("key").values_list("key", "value", "size").iterator(_BATCH)
    _copy(PluginRemainsItem, {"remains": remains}, items)


def bring_back(row: InstalledPlugin, author: Any) -> bool:
    """Give a plugin that was just installed what was kept of it; whether there was a configuration for all grids.

    Args:
        row: the plugin.
        author: the user who installs it, None for the system.
    """
    remains = PluginRemains.objects.using(database()).filter(plugin_id=row.plugin_id).first()
    if remains is None:
        return False
    for config in remains.configs:
        add_revision(row, ConfigLayer(**config), author, f"Kept from {remains.version}"[:200])
    items = remains.items.order_by("key").values_list("key", "value", "size").iterator(_BATCH)
    _copy(PluginStorageItem, {"plugin": row}, items)
    used = row.storage_items.aggregate(size=Sum("size"))["size"] or 0
    PluginStorageUsage.objects.using(database()).update_or_create(
        plugin=row, defaults={"used_bytes": used, "storage_version": remains.storage_version}
    )
    found = any(not config["grid"] for config in remains.configs)
    remains.delete()
    return found


def _copy(model: Any, owner: dict[str, Any], items: Iterator[tuple[str, Any, int]]) -> None:
    """Write items in batches, so that a large storage is never in memory as a whole."""
    batch: list[Any] = []
    for key, value, size in items:
        stored = Value(None, JSONField()) if value is None else value
        batch.append(model(**owner, key=key, value=stored, size=size))
        if len(batch) == _BATCH:
            model.objects.using(database()).bulk_create(batch)
            batch = []
    model.objects.using(database()).bulk_create(batch)
