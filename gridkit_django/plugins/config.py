"""The configuration in force: layers joined, then checked by the plugin's own ``Config``.

From weak to strong: the defaults of ``Config``, the site's revision, the overlay in the grid's ``Meta.plugins``, the
grid's revision, the values pinned in ``GRIDKIT["PLUGIN_PINS"]``. Layers are joined by their top-level keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from gridkit_django.conf import settings
from gridkit_django.exceptions import ErrorItem, PluginConfigError
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.serving import overlay
from gridkit_django.plugins.spec import PluginSpec


def pinned_values(plugin_id: str) -> dict[str, Any]:
    """Return the values that the site's settings lock, by top-level key."""
    return dict(settings().PLUGIN_PINS.get(plugin_id, {}))


def site_values(spec: PluginSpec) -> dict[str, Any]:
    """Return the values for no particular grid, before the defaults are filled in."""
    return {**spec.site_config, **pinned_values(spec.plugin_id)}


def grid_values(spec: PluginSpec, grid: str) -> dict[str, Any]:
    """Return the values for a grid, before the defaults are filled in."""
    return {
        **spec.site_config,
        **overlay(spec.plugin_id, grid),
        **spec.grid_configs.get(grid, {}),
        **pinned_values(spec.plugin_id),
    }


def checked_config(plugin: type[Plugin], plugin_id: str, values: Mapping[str, Any]) -> BaseModel:
    """Check values and fill in the defaults.

    Args:
        plugin: the plugin's class.
        plugin_id: its id, for the error text.
        values: joined layers.

    Raises:
        PluginConfigError: one item in ``errors`` for each fault; no value of the configuration is in the text.
    """
    faults = _unknown_keys(plugin.Config, values)
    if not faults:
        try:
            return plugin.validate_config(dict(values))
        except ValidationError as error:
            faults = [_fault(item["loc"], item["msg"]) for item in error.errors(include_url=False, include_input=False)]
    text = "; ".join(f"{item.pointer[1:] or 'configuration'}: {item.detail}" for item in faults)
    raise PluginConfigError(f"The configuration of {plugin_id} is wrong: {text}.", errors=faults)


def _unknown_keys(model: type[BaseModel], values: Mapping[str, Any]) -> list[ErrorItem]:
    """Find keys that the model would ignore: an ignored key is a mistake that nobody sees."""
    if model.model_config.get("extra") == "allow":
        return []
    known = set(model.model_fields) | {field.alias for field in model.model_fields.values() if field.alias}
    return [
        _fault((key,), f"there is no such key (known: {', '.join(sorted(known)) or 'none'})")
        for key in values
        if key not in known
    ]


def _fault(location: tuple[int | str, ...], message: str) -> ErrorItem:
    pointer = "".join(f"/{part}" for part in location)
    return ErrorItem(pointer, PluginConfigError.code, message.removeprefix("Value error, "))
