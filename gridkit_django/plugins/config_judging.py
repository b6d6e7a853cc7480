"""Judging configurations before they are stored: by the settings that lock values and by the plugin's ``Config``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from gridkit_django.exceptions import ErrorItem, GridNotFoundError, PluginConfigError, PluginError, PluginSecretError
from gridkit_django.grids import grid_registry
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.config import checked_config, grid_values, joined_values, pinned_values, site_values
from gridkit_django.plugins.config_migration import ConfigTarget, fit_layer, fitted
from gridkit_django.plugins.encryption import Keyring
from gridkit_django.plugins.masks import restore_secrets
from gridkit_django.plugins.revisions import ConfigLayer
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.secret_values import MASK, mask_secrets, open_secrets, seal_secrets
from gridkit_django.plugins.spec import PluginSpec


class ConfigJudge:
    """Makes layers that may be stored out of what people send.

    Args:
        plugin: the class that judges.
        spec: what is stored now. Where it can't be made to fit the class it is taken as it is, for then a new
            configuration is the way out.
    """

    def __init__(self, plugin: type[Plugin], spec: PluginSpec) -> None:
        self._plugin = plugin
        self._target = ConfigTarget.of_class(plugin)
        self._keyring = Keyring.of_site()
        self.schema = plugin.Config.model_json_schema()
        try:
            self._spec, _ = fitted(spec, plugin)
        except PluginError:
            self._spec = spec

    def stored(self, grid: str) -> ConfigLayer:
        """Return what is in force for a scope."""
        return self._spec.layers.get(grid) or ConfigLayer(grid)

    def submitted(self, data: Mapping[str, Any], grid: str) -> ConfigLayer:
        """Return what a person sent as it is to be stored: locked values left out, secrets sealed, masks restored.

        A mask of a secret that a grid takes from the values for all grids is left out, so that it goes on doing so.

        Args:
            data: the values.
            grid: id of the grid that they are for, empty for all grids.

        Raises:
            PluginConfigError: when a value is locked or does not fit, or a mask stands for nothing.
            PluginSecretError: when a stored secret that is kept can't be decrypted.
        """
        layer = self.stored(grid)
        values = unlocked(self._spec.plugin_id, data, self.schema)
        if grid:
            values = {key: value for key, value in values.items() if value != MASK or key in layer.data}
        sealed = seal_secrets(values, self.schema, self._keyring)
        below = joined_values(self._spec, grid) if grid else layer.data
        restored = restore_secrets(sealed, {**below, **layer.data}, self.schema)
        return self._judged(replace(layer, data=restored), layer.aside)

    def restored(self, old: ConfigLayer) -> ConfigLayer:
        """Return an older revision as it is to be stored again: made to fit, locked values left out.

        Raises:
            PluginConfigError: when it follows a newer schema than the code, can't be migrated, or does not fit.
            PluginSecretError: when one of its secrets can't be decrypted.
        """
        if old.schema_version > self._target.version:
            raise PluginConfigError(
                f"Revision {old.revision} follows version {old.schema_version} of the configuration schema, but the "
                f"plugin's code knows version {self._target.version}. Update the plugin first."
            )
        fit = fit_layer(self._spec.plugin_id, old, self._plugin)
        locked = pinned_values(self._spec.plugin_id)
        data = {key: value for key, value in fit.data.items() if key not in locked}
        return self._judged(replace(fit, data=data), {**self.stored(old.grid).aside, **fit.aside})

    def changes(self, layer: ConfigLayer) -> dict[str, list[Any]]:
        """Return what a layer changes in its scope, by key; of a secret only that it changed."""
        before, after = self.stored(layer.grid).data, layer.data
        was, is_now = self._comparable(before), self._comparable(after)
        shown, shows = mask_secrets(before, self.schema), mask_secrets(after, self.schema)
        keys = [key for key in {**was, **is_now} if was.get(key) != is_now.get(key)]
        return {key: [shown.get(key), shows.get(key)] for key in keys}

    def _comparable(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return open_secrets(values, self._keyring)
        except PluginSecretError:
            return values

    def _judged(self, layer: ConfigLayer, aside: Mapping[str, Any]) -> ConfigLayer:
        """Let the class judge the layer joined with the others, for every scope that it is part of."""
        kept = {key: value for key, value in aside.items() if not self._target.knows(key)}
        layer = replace(layer, schema_version=self._target.version, aside=kept)
        spec = self._spec.with_layers({**self._spec.layers, layer.grid: layer})
        if layer.grid:
            checked_config(self._plugin, spec.plugin_id, grid_values(spec, layer.grid))
            return layer
        checked_config(self._plugin, spec.plugin_id, site_values(spec))
        for grid in filter(_is_declared, spec.grid_configs):
            self._check_beside(spec, grid)
        return layer

    def _check_beside(self, spec: PluginSpec, grid: str) -> None:
        """Refuse values for all grids that break the configuration of one grid."""
        try:
            checked_config(self._plugin, spec.plugin_id, grid_values(spec, grid))
        except PluginConfigError as error:
            raise PluginConfigError(
                f"For the grid {grid}, which has a configuration of its own: {error.detail}", errors=error.errors
            ) from None


@contextmanager
def judging(runtime: PluginRuntime, row: InstalledPlugin, spec: PluginSpec) -> Iterator[ConfigJudge]:
    """Judge by the class at work in this process, or by the code at the plugin's source for as long as this lasts.

    Raises:
        PluginLoadError: when the code can't be imported.
    """
    live = runtime.live.get(row.plugin_id)
    if live is not None:
        yield ConfigJudge(type(live.plugin), spec)
        return
    code = runtime.catalog.choose(spec).load()
    try:
        yield ConfigJudge(code.plugin_class, spec)
    finally:
        code.unload()


def first_layer(plugin: type[Plugin], plugin_id: str, data: Mapping[str, Any], *, check: bool) -> ConfigLayer:
    """Return the configuration that a plugin is installed with, as it is to be stored.

    Args:
        plugin: the plugin's class.
        plugin_id: its id.
        data: the values, for all grids.
        check: whether they must be complete.

    Raises:
        PluginConfigError: when a value is locked, or (when they are checked) does not fit.
    """
    schema = plugin.Config.model_json_schema()
    values = unlocked(plugin_id, data, schema)
    sealed = restore_secrets(seal_secrets(values, schema, Keyring.of_site()), {}, schema)
    if check:
        checked_config(plugin, plugin_id, {**values, **pinned_values(plugin_id)})
    return ConfigLayer(data=sealed, schema_version=plugin.config_version)


def unlocked(plugin_id: str, data: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without those that the site's settings lock; they may be repeated, as shown or as they are.

    Raises:
        PluginConfigError: when one is changed, with one item in ``errors`` for each.
    """
    pinned = pinned_values(plugin_id)
    shown = mask_secrets(pinned, schema)
    faults = [
        ErrorItem(f"/{key}", PluginConfigError.code, "locked by PLUGIN_PINS in the site's settings")
        for key, value in data.items()
        if key in pinned and value not in (pinned[key], shown[key])
    ]
    if faults:
        names = ", ".join(item.pointer[1:] for item in faults)
        raise PluginConfigError(
            f"These values of {plugin_id} are locked by the site's settings: {names}.", errors=faults
        )
    return {key: value for key, value in data.items() if key not in pinned}


def _is_declared(grid: str) -> bool:
    try:
        grid_registry().get(grid)
    except GridNotFoundError:
        return False
    return True
