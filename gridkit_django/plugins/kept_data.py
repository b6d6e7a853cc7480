"""The data of plugins that are not installed any more: what is kept, to take away or to delete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet, Sum

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import PluginNotFoundError
from gridkit_django.models import PluginRemains
from gridkit_django.plugins.change import acting_as
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.secret_values import mask_secrets
from gridkit_django.typing import User


@dataclass(frozen=True, slots=True)
class KeptData:
    """What is kept of one plugin.

    Attributes:
        plugin_id: the plugin.
        version: the version that was in use.
        kept_at: when it was uninstalled.
        configurations: the scopes that have a configuration: grids, and an empty text for all grids.
        storage_keys: keys of its storage.
        storage_bytes: their size, with their values.
    """

    plugin_id: str
    version: str
    kept_at: datetime
    configurations: tuple[str, ...]
    storage_keys: int
    storage_bytes: int


def list_kept() -> tuple[KeptData, ...]:
    """Return what is kept of plugins that are not installed, by id."""
    return tuple(describe_kept(item) for item in counted_remains())


def counted_remains() -> QuerySet[PluginRemains]:
    """Return the rows of what is kept, each with the number and the bytes of its storage."""
    rows = PluginRemains.objects.using(database()).order_by("plugin_id")
    return rows.annotate(keys=Count("items"), bytes=Sum("items__size"))


def describe_kept(item: Any) -> KeptData:
    """Return what a row of ``counted_remains`` says."""
    scopes = tuple(sorted(str(config["grid"]) for config in item.configs))
    return KeptData(item.plugin_id, item.version, item.kept_at, scopes, item.keys, item.bytes or 0)


def export_kept(plugin_id: str, user: User | None) -> dict[str, Any]:
    """Return what is kept of a plugin as plain values; secrets are masked, never exported.

    Args:
        plugin_id: which plugin.
        user: who takes it; an audit record says so.

    Raises:
        PluginNotFoundError: when nothing is kept of it.
    """
    remains = _remains(plugin_id)
    with acting_as(user):
        record("plugin.export_data", target=Target.plugin(plugin_id), evidence={"kept": True})
    return {
        "plugin": plugin_id,
        "version": remains.version,
        "configurations": [
            {
                "grid": config["grid"],
                "schemaVersion": config["schema_version"],
                "values": mask_secrets(config["data"], remains.config_schema),
            }
            for config in remains.configs
        ],
        "storage": dict(remains.items.order_by("key").values_list("key", "value")),
    }


def delete_kept(plugin_id: str, user: User | None) -> None:
    """Delete what is kept of a plugin; nothing brings it back.

    Args:
        plugin_id: which plugin.
        user: who does it.

    Raises:
        PluginNotFoundError: when nothing is kept of it.
    """
    with acting_as(user), transaction.atomic(using=database()):
        remains = _remains(plugin_id)
        evidence = {"version": remains.version, "storageKeys": remains.items.count()}
        record("plugin.purge_data", target=Target.plugin(plugin_id), evidence=evidence)
        remains.delete()


def _remains(plugin_id: str) -> PluginRemains:
    found = PluginRemains.objects.using(database()).filter(plugin_id=plugin_id).first()
    if found is None:
        raise PluginNotFoundError(f"Nothing is kept of the plugin {plugin_id[:200]!r}.")
    return found
