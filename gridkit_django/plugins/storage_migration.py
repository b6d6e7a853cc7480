"""Fitting what a plugin stored to other code: a copy is migrated and judged; nothing is written here."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from gridkit_django.exceptions import PluginError, StorageMigrationError
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.config import stored_secrets
from gridkit_django.plugins.savepoints import savepoints
from gridkit_django.plugins.secret_values import without_secrets
from gridkit_django.plugins.storage import item_size
from gridkit_django.typing import JSONValue

_UNCHANGED = "The storage is unchanged."


def migrated_values(
    plugin_id: str, plugin: type[Plugin], values: Mapping[str, JSONValue], stored: int
) -> dict[str, JSONValue]:
    """Return what is stored as the code wants it: a copy that went through every step.

    Args:
        plugin_id: the plugin.
        plugin: its class.
        values: all that is stored, by key.
        stored: the version of that.

    Raises:
        StorageMigrationError: when ``migrate_storage`` raises or returns no dict of JSON values.
    """
    fit = dict(values)
    for version in range(stored, plugin.storage_version):
        fit = _step(plugin_id, plugin, fit, version)
    return fit


def judged_sizes(plugin_id: str, values: Mapping[str, JSONValue], quota_mb: int) -> dict[str, int]:
    """Return the bytes of each key with its value, when all of them can be stored.

    Args:
        plugin_id: the plugin.
        values: what is to be stored, by key.
        quota_mb: megabytes that the plugin may store.

    Raises:
        StorageMigrationError: when a key or a value can't be stored, or all together are too large.
    """
    try:
        sizes = {key: item_size(plugin_id, key, value) for key, value in values.items()}
    except PluginError as error:
        raise StorageMigrationError(
            f"What migrate_storage of {plugin_id} returned can't be stored: {error.detail} {_UNCHANGED}"
        ) from error
    total = sum(sizes.values())
    if total > quota_mb * 1_000_000:
        raise StorageMigrationError(
            f"What migrate_storage of {plugin_id} returned has {total} bytes, more than its {quota_mb} MB "
            f"(max_storage_mb in the manifest). {_UNCHANGED}",
            extra={"plugin": plugin_id, "size": total},
        )
    return sizes


def _step(plugin_id: str, plugin: type[Plugin], values: dict[str, JSONValue], version: int) -> dict[str, JSONValue]:
    """Call ``migrate_storage`` once."""
    try:
        with savepoints():
            answer: Any = plugin.migrate_storage(copy.deepcopy(values), version)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the plugin's code; told without the secrets
        text = without_secrets(f"{type(error).__name__}: {error}", stored_secrets(plugin_id))
        raise StorageMigrationError(
            f"migrate_storage of {plugin_id} failed at storage version {version}: {text}. {_UNCHANGED}"
        ) from None
    plain = _plain(answer)
    if plain is None:
        raise StorageMigrationError(
            f"migrate_storage of {plugin_id} returned no dict of JSON values at storage version {version}. {_UNCHANGED}"
        )
    return plain


def _plain(answer: Any) -> dict[str, JSONValue] | None:
    """Return what a migration answered as it will be stored; None when it can't be stored."""
    if not isinstance(answer, dict) or not all(isinstance(key, str) for key in answer):
        return None
    try:
        plain: dict[str, JSONValue] = json.loads(json.dumps(answer, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None
    return plain
