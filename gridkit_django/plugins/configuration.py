"""Writing configurations: a new revision for each change, checked by the plugin's own ``Config``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db.models import Max

from gridkit_django.exceptions import ErrorItem, PluginConfigError
from gridkit_django.grids import grid_registry
from gridkit_django.models import InstalledPlugin, PluginConfig, PluginSource
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.change import author_of, changing, get_row, raise_failure, tell, touch, try_again
from gridkit_django.plugins.config import checked_config, grid_values, pinned_values, site_values
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.secret_values import MASK, mask_secrets, restore_secrets
from gridkit_django.plugins.spec import PluginSpec, load_spec
from gridkit_django.typing import User


def configure(runtime: PluginRuntime, plugin_id: str, data: Mapping[str, Any], grid: str, user: User | None) -> None:
    """Put a new configuration in force; it replaces the one of the same scope.

    Where a secret is expected and ``MASK`` is given, the stored secret is kept. A pinned value may be repeated, not
    changed, and is not stored.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        data: the values, by key of ``Config``; keys that are left out get their defaults.
        grid: id of the grid that they are for, empty for all grids.
        user: who does it.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        GridNotFoundError: when there is no such grid.
        PluginConfigError: when the values do not fit, or change a pinned one; one item in ``errors`` for each fault.
        PluginLoadError: when the plugin's code, which has to judge them, can't be imported.
        PluginError: when the plugin could not start with them; the old object goes on serving.
    """
    if grid:
        grid_registry().get(grid)
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        spec = load_spec(row)
        schema = row.current_version.config_schema if row.current_version else {}
        stored = spec.grid_configs.get(grid, {}) if grid else spec.site_config
        values = _without_pinned(plugin_id, restore_secrets(data, stored, schema))
        _check(runtime, row, spec, values, grid)
        revision = _store(row, values, grid, user)
        touch(row, *try_again(row))
        changes = _masked_changes(stored, values, schema)
        tell("configure", row, changes=changes, evidence={"grid": grid, "revision": revision})
    raise_failure(runtime, row)


def shown_config(spec: PluginSpec, schema: Mapping[str, Any], grid: str = "") -> dict[str, Any]:
    """Return the values of a scope as faces may show them: with pinned values, secrets masked, no defaults."""
    return mask_secrets(grid_values(spec, grid) if grid else site_values(spec), schema)


def check_not_pinned(plugin_id: str, data: Mapping[str, Any]) -> None:
    """Refuse to change what the site's settings lock.

    Raises:
        PluginConfigError: with one item in ``errors`` for each such key.
    """
    pinned = pinned_values(plugin_id)
    faults = [
        ErrorItem(f"/{key}", PluginConfigError.code, "locked by PLUGIN_PINS in the site's settings")
        for key, value in data.items()
        if key in pinned and value not in (pinned[key], MASK)
    ]
    if faults:
        names = ", ".join(item.pointer[1:] for item in faults)
        raise PluginConfigError(
            f"These values of {plugin_id} are locked by the site's settings: {names}.", errors=faults
        )


def _without_pinned(plugin_id: str, values: dict[str, Any]) -> dict[str, Any]:
    check_not_pinned(plugin_id, values)
    pinned = pinned_values(plugin_id)
    return {key: value for key, value in values.items() if key not in pinned}


def _check(runtime: PluginRuntime, row: InstalledPlugin, spec: PluginSpec, values: dict[str, Any], grid: str) -> None:
    """Let the plugin's class judge the values joined with the other layers; load it when it is not at work here."""
    if grid:
        spec = replace(spec, grid_configs={**spec.grid_configs, grid: values})
        joined = grid_values(spec, grid)
    else:
        joined = site_values(replace(spec, site_config=values))
    live = runtime.live.get(row.plugin_id)
    if live is not None:
        checked_config(type(live.plugin), row.plugin_id, joined)
        return
    code = runtime.catalog.resolve(PluginSource(row.source), row.source_ref).load()
    try:
        plugin_class: type[Plugin] = code.plugin_class
        checked_config(plugin_class, row.plugin_id, joined)
    finally:
        code.unload()


def _store(row: InstalledPlugin, values: dict[str, Any], grid: str, user: User | None) -> int:
    newest = PluginConfig.objects.filter(plugin=row, grid=grid).aggregate(newest=Max("revision"))["newest"] or 0
    PluginConfig.objects.create(plugin=row, grid=grid, revision=newest + 1, data=values, author=author_of(user))
    return newest + 1


def _masked_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], schema: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Return what changed by key; of a secret only that it changed."""
    old, new = mask_secrets(before, schema), mask_secrets(after, schema)
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: [old.get(key), new.get(key)] for key in keys}
