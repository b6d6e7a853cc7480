"""Writing configurations: a new revision for each change, checked by the plugin's own ``Config``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.exceptions import ConfigRevisionNotFoundError
from gridkit_django.grids import grid_registry
from gridkit_django.models import InstalledPlugin, PluginConfig, PluginVersion
from gridkit_django.plugins.change import author_of, changing, get_row, raise_failure, tell, touch, try_again
from gridkit_django.plugins.config import joined_values
from gridkit_django.plugins.config_judging import ConfigJudge, judging
from gridkit_django.plugins.config_migration import ConfigTarget, in_force_with
from gridkit_django.plugins.revisions import ConfigLayer, add_revision, layer_of
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.secret_values import mask_secrets
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
        PluginSecretError: when a stored secret that is to be kept can't be decrypted.
        PluginLoadError: when the plugin's code, which has to judge them, can't be imported.
        PluginError: when the plugin could not start with them; the old object goes on serving.
    """
    if grid:
        grid_registry().get(grid)
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        with judging(runtime, row, load_spec(row)) as judge:
            _put_in_force(row, judge, judge.submitted(data, grid), user)
    raise_failure(runtime, row)


def restore(runtime: PluginRuntime, plugin_id: str, revision: int, grid: str, user: User | None) -> None:
    """Put an older revision in force again, as a new one; migrated first where it follows an older schema.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        revision: which revision of the scope.
        grid: id of the grid that it was for, empty for all grids.
        user: who does it.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        ConfigRevisionNotFoundError: when the scope has no such revision.
        PluginConfigError: when it does not fit the code of now.
        PluginSecretError: when one of its secrets can't be decrypted.
        PluginLoadError: when the plugin's code, which has to judge it, can't be imported.
        PluginError: when the plugin could not start with it; the old object goes on serving.
    """
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        old = layer_of(get_revision(row, revision, grid))
        with judging(runtime, row, load_spec(row)) as judge:
            _put_in_force(row, judge, judge.restored(old), user, restored_from=revision)
    raise_failure(runtime, row)


def for_version(row: InstalledPlugin, version: PluginVersion, user: User | None) -> tuple[int, ...]:
    """Store configurations that another version of the plugin understands, inside the change that brings it.

    Those are the revisions that were in force with its configuration schema; what only the schema of now knows is set
    aside and comes back with it. For the same schema the values of now stay. A newer schema that never was in use
    migrates them by itself when the version starts.

    Args:
        row: the plugin.
        version: the version that is to run.
        user: who does it.

    Returns:
        The numbers of the revisions that were stored.
    """
    target = ConfigTarget.of_version(version)
    stored = load_spec(row).layers.values()
    fit = [(layer, in_force_with(row.plugin_id, layer, target)) for layer in stored]
    note = f"For version {version.version}"
    return tuple(add_revision(row, after, author_of(user), note) for before, after in fit if after is not before)


def get_revision(row: InstalledPlugin, revision: int, grid: str) -> PluginConfig:
    """Return one revision of a scope.

    Raises:
        ConfigRevisionNotFoundError: when there is none.
    """
    found = PluginConfig.objects.using(database()).filter(plugin=row, grid=grid, revision=revision).first()
    if found is None:
        scope = f"the grid {grid}" if grid else "all grids"
        raise ConfigRevisionNotFoundError(
            f"The configuration of {row.plugin_id} for {scope} has no revision {revision}. List them to see which."
        )
    return found


def shown_config(spec: PluginSpec, schema: Mapping[str, Any], grid: str = "") -> dict[str, Any]:
    """Return the values of a scope as faces may show them: with pinned values, secrets masked, no defaults."""
    return mask_secrets(joined_values(spec, grid), schema)


def _put_in_force(
    row: InstalledPlugin, judge: ConfigJudge, layer: ConfigLayer, user: User | None, restored_from: int | None = None
) -> None:
    """Store a layer and let every process build the plugin anew with it."""
    note = "" if restored_from is None else f"Revision {restored_from} again"
    revision = add_revision(row, layer, author_of(user), note)
    touch(row, *try_again(row))
    origin = {} if restored_from is None else {"restoredFrom": restored_from}
    evidence = {"grid": layer.grid, "revision": revision, **origin}
    tell("configure", row, changes=judge.changes(layer), evidence=evidence)
