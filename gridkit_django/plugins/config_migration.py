"""Fitting stored configurations to other code: a copy is migrated and judged; nothing is written here.

When code with another configuration schema starts, each scope is fitted by itself:

- values of an older schema version go through ``Plugin.migrate_config``, one step for each version;
- for code of an older version (after a roll back) the newest revision that it understands is taken;
- keys that the schema does not know are set aside, and come back when a schema knows them again.

What comes out is stored as a revision once the plugin has started with it, see ``reports``.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gridkit_django.exceptions import PluginConfigError
from gridkit_django.models import PluginVersion
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.config import checked_config, grid_values, known_keys
from gridkit_django.plugins.encryption import Keyring
from gridkit_django.plugins.revisions import ConfigLayer, newest_layer
from gridkit_django.plugins.savepoints import savepoints
from gridkit_django.plugins.secret_values import open_secrets, seal_secrets, sealed_in, without_secrets
from gridkit_django.plugins.spec import PluginSpec


@dataclass(frozen=True, slots=True)
class ConfigTarget:
    """The configuration schema that values are to follow.

    Attributes:
        version: its version.
        known: its top-level keys; None when it takes any.
    """

    version: int
    known: frozenset[str] | None

    @classmethod
    def of_class(cls, plugin: type[Plugin]) -> ConfigTarget:
        """Return the target that a plugin's code is."""
        return cls(plugin.config_version, known_keys(plugin.Config))

    @classmethod
    def of_version(cls, version: PluginVersion) -> ConfigTarget:
        """Return the target that a stored version is, without its code."""
        schema = version.config_schema
        takes_any = schema.get("additionalProperties", False) is not False
        return cls(version.config_version, None if takes_any else frozenset(schema.get("properties", ())))

    def knows(self, key: str) -> bool:
        """Whether a top-level key belongs to the schema."""
        return self.known is None or key in self.known


def fitted(spec: PluginSpec, plugin: type[Plugin]) -> tuple[PluginSpec, tuple[ConfigLayer, ...]]:
    """Return the spec with configurations that fit the code, and the layers that were changed for it.

    Each changed layer of a grid is judged here, joined with the others; the site's is judged by whoever starts the
    plugin.

    Args:
        spec: what is stored.
        plugin: the plugin's class.

    Raises:
        PluginConfigError: when ``migrate_config`` raises, or what it made does not fit.
        PluginSecretError: when a secret that has to be moved can't be decrypted.
    """
    layers = {grid: fit_layer(spec.plugin_id, layer, plugin) for grid, layer in spec.layers.items()}
    changed = tuple(layer for grid, layer in layers.items() if layer is not spec.layers[grid])
    if not changed:
        return spec, ()
    fit = spec.with_layers(layers)
    for layer in changed:
        if layer.grid:
            checked_config(plugin, spec.plugin_id, grid_values(fit, layer.grid))
    return fit, changed


def fit_layer(plugin_id: str, layer: ConfigLayer, plugin: type[Plugin]) -> ConfigLayer:
    """Return one scope's configuration as the code wants it; the same layer when there is nothing to do.

    Args:
        plugin_id: the plugin.
        layer: what is stored.
        plugin: the plugin's class.

    Raises:
        PluginConfigError: when ``migrate_config`` raises.
        PluginSecretError: when a secret that has to be moved can't be decrypted.
    """
    target = ConfigTarget.of_class(plugin)
    layer = fit_back(plugin_id, layer, target)
    if layer.schema_version < target.version:
        layer = _set_aside(_migrated(plugin_id, layer, target, plugin), target)
    return layer


def fit_back(plugin_id: str, layer: ConfigLayer, target: ConfigTarget) -> ConfigLayer:
    """Return a layer for a schema that may be older: the newest revision that follows it, unknown keys set aside.

    Args:
        plugin_id: the plugin.
        layer: what is in force.
        target: the schema; when it is newer than what comes out, its code has yet to migrate that.
    """
    if layer.schema_version > target.version:
        layer = _taken_back(plugin_id, layer, target)
    return layer if layer.schema_version < target.version else _set_aside(layer, target)


def in_force_with(plugin_id: str, layer: ConfigLayer, target: ConfigTarget) -> ConfigLayer:
    """Return the layer for a version that was in use before: what was in force with its schema, where there is such.

    Args:
        plugin_id: the plugin.
        layer: what is in force.
        target: the schema of that version; when it is newer than what comes out, its code has yet to migrate that.
    """
    if layer.schema_version < target.version:
        newer = newest_layer(plugin_id, layer.grid, target.version, exactly=True)
        return layer if newer is None else _set_aside(_with_aside_of(newer, layer, target), target)
    return fit_back(plugin_id, layer, target)


def _set_aside(layer: ConfigLayer, target: ConfigTarget) -> ConfigLayer:
    """Put the keys aside that the schema does not know, and take those back that it knows again."""
    data = {key: value for key, value in layer.data.items() if target.knows(key)}
    back = {key: value for key, value in layer.aside.items() if target.knows(key) and key not in data}
    if len(data) == len(layer.data) and not back:
        return layer
    unknown = {key: value for key, value in layer.data.items() if key not in data}
    kept = {key: value for key, value in layer.aside.items() if not target.knows(key)}
    return replace(layer, data={**data, **back}, aside={**kept, **unknown})


def _taken_back(plugin_id: str, layer: ConfigLayer, target: ConfigTarget) -> ConfigLayer:
    """Go back to what was in force with the schema; what only the newer one knows is set aside.

    Without such a revision, what both know is kept.
    """
    older = newest_layer(plugin_id, layer.grid, target.version)
    if older is None:
        return replace(layer, schema_version=target.version)
    return _with_aside_of(older, layer, target)


def _with_aside_of(found: ConfigLayer, layer: ConfigLayer, target: ConfigTarget) -> ConfigLayer:
    """Return an older revision that takes the place of a layer, with what only the layer knows set aside."""
    others = {key: value for key, value in {**layer.aside, **layer.data}.items() if not target.knows(key)}
    return replace(found, aside={**found.aside, **others}, revision=layer.revision)


def _migrated(plugin_id: str, layer: ConfigLayer, target: ConfigTarget, plugin: type[Plugin]) -> ConfigLayer:
    """Take a copy of the values through every step; secrets are open to the plugin and sealed again after it."""
    keyring = Keyring.of_site()
    before = open_secrets(layer.data, keyring)
    secrets = [keyring.unseal(item) for item in sealed_in(layer.data)]
    values = before
    for version in range(layer.schema_version, target.version):
        values = _step(plugin_id, plugin, values, version, secrets)
    known = {key: value for key, value in values.items() if target.knows(key)}
    data = seal_secrets(known, plugin.Config.model_json_schema(), keyring, known=secrets)
    aside = {
        key: layer.data[key] if key in before and before[key] == value else keyring.seal(value)
        for key, value in values.items()
        if key not in known
    }
    return replace(layer, data=data, aside={**layer.aside, **aside}, schema_version=target.version)


def _step(
    plugin_id: str, plugin: type[Plugin], values: Mapping[str, Any], version: int, secrets: list[Any]
) -> dict[str, Any]:
    """Call ``migrate_config`` once.

    Raises:
        PluginConfigError: when it raises, or returns something else than a dict with text keys.
    """
    try:
        with savepoints():
            answer: Any = plugin.migrate_config(copy.deepcopy(dict(values)), version)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the plugin's code; told without the secrets
        text = without_secrets(f"{type(error).__name__}: {error}", secrets)
        raise PluginConfigError(
            f"migrate_config of {plugin_id} failed at schema version {version}: {text}. "
            "The stored configuration is unchanged."
        ) from None
    plain = _plain(answer)
    if plain is None:
        raise PluginConfigError(
            f"migrate_config of {plugin_id} returned no dict of JSON values at schema version {version}. "
            "The stored configuration is unchanged."
        )
    return plain


def _plain(answer: Any) -> dict[str, Any] | None:
    """Return what a migration answered as it will be stored; None when it can't be stored."""
    if not isinstance(answer, dict):
        return None
    try:
        plain: dict[str, Any] = json.loads(json.dumps(answer, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None
    return plain
