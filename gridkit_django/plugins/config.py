"""The configuration in force: layers joined, then checked by the plugin's own ``Config``.

From weak to strong: the defaults of ``Config``, the site's revision, the overlay in the grid's ``Meta.plugins``, the
grid's revision, the values pinned in ``GRIDKIT["PLUGIN_PINS"]``. Layers are joined by their top-level keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from gridkit_django.conf import settings
from gridkit_django.exceptions import ErrorItem, PluginConfigError, PluginSecretError
from gridkit_django.grids.pointers import pointer
from gridkit_django.models import PluginVersion
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.encryption import Keyring
from gridkit_django.plugins.revisions import newest_layers
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.secret_values import open_secrets, sealed_in, secrets_in, without_secrets
from gridkit_django.plugins.serving import overlay
from gridkit_django.plugins.spec import PluginSpec


def pinned_values(plugin_id: str) -> dict[str, Any]:
    """Return the values that the site's settings lock, by top-level key."""
    return dict(settings().PLUGIN_PINS.get(plugin_id, {}))


def site_values(spec: PluginSpec) -> dict[str, Any]:
    """Return the values for no particular grid, with secrets in plain form, before the defaults are filled in.

    Raises:
        PluginSecretError: when a stored secret can't be decrypted.
    """
    return _opened(spec.plugin_id, joined_values(spec))


def grid_values(spec: PluginSpec, grid: str) -> dict[str, Any]:
    """Return the values for a grid, with secrets in plain form, before the defaults are filled in.

    Raises:
        PluginSecretError: when a stored secret can't be decrypted.
    """
    return _opened(spec.plugin_id, joined_values(spec, grid))


def joined_values(spec: PluginSpec, grid: str = "") -> dict[str, Any]:
    """Return the layers of a scope joined, with secrets as they are stored."""
    layers = [spec.site_config]
    if grid:
        layers += [overlay(spec.plugin_id, grid), spec.grid_configs.get(grid, {})]
    joined: dict[str, Any] = {}
    for layer in (*layers, pinned_values(spec.plugin_id)):
        joined.update(layer)
    return joined


def secrets_of(spec: PluginSpec) -> list[Any]:
    """Return the secrets of a plugin's configuration in plain form, to take them out of texts.

    Those of locked values are among them, those that can't be decrypted are not.
    """
    return [*_unsealed({"": spec.site_config, **spec.grid_configs}), *_pinned_secrets(spec.plugin_id)]


def stored_secrets(plugin_id: str) -> list[Any]:
    """Return the same as ``secrets_of``, for what is in force by the database now."""
    layers = newest_layers(plugin__plugin_id=plugin_id).values()
    data = [layer.data for by_grid in layers for layer in by_grid.values()]
    return [*_unsealed(data), *_pinned_secrets(plugin_id)]


def _unsealed(stored: Any) -> Iterator[Any]:
    keyring = Keyring.of_site()
    for item in sealed_in({"": stored}):
        with suppress(PluginSecretError):
            yield keyring.unseal(item)


def _pinned_secrets(plugin_id: str) -> list[Any]:
    pinned = pinned_values(plugin_id)
    if not pinned:
        return []
    versions = PluginVersion.objects.using(database()).filter(plugin__plugin_id=plugin_id)
    return [item for schema in versions.values_list("config_schema", flat=True) for item in secrets_in(pinned, schema)]


def _opened(plugin_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return open_secrets(values, Keyring.of_site())
    except PluginSecretError as error:
        raise PluginSecretError(f"{plugin_id}: {error.detail}", errors=error.errors) from error


def checked_config(plugin: type[Plugin], plugin_id: str, values: Mapping[str, Any]) -> BaseModel:
    """Check values and fill in the defaults.

    Args:
        plugin: the plugin's class.
        plugin_id: its id, for the error text.
        values: joined layers, secrets in plain form.

    Raises:
        PluginConfigError: one item in ``errors`` for each fault; no secret is in the text, even where a validator of
            the plugin puts its value there.
    """
    faults = _unknown_keys(plugin.Config, values)
    if not faults:
        try:
            return plugin.validate_config(dict(values))
        except ValidationError as error:
            found = [(item["loc"], item["msg"]) for item in error.errors(include_url=False, include_input=False)]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a validator of the plugin; told as the refusal that it means
            found = [((), f"{type(error).__name__}: {error}")]
        secrets = secrets_in(values, plugin.Config.model_json_schema())
        faults = [_fault(location, without_secrets(message, secrets)) for location, message in found]
    text = "; ".join(f"{item.pointer[1:] or 'configuration'}: {item.detail}" for item in faults)
    # No cause: the traceback of a validation error shows the values, and it ends in logs.
    raise PluginConfigError(f"The configuration of {plugin_id} is wrong: {text}.", errors=faults) from None


def known_keys(model: type[BaseModel]) -> frozenset[str] | None:
    """Return the top-level keys that a model reads; None for a model that takes any."""
    if model.model_config.get("extra") == "allow":
        return None
    fields = model.model_fields
    aliases = (alias for field in fields.values() for alias in _aliases(field))
    return frozenset(fields) | frozenset(aliases)


def _aliases(field: FieldInfo) -> Iterator[str]:
    """Yield the other keys that a field is read from."""
    choices = field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else ()
    for alias in (field.alias, field.validation_alias, *choices):
        first = alias.path[0] if isinstance(alias, AliasPath) else alias
        if isinstance(first, str):
            yield first


def _unknown_keys(model: type[BaseModel], values: Mapping[str, Any]) -> list[ErrorItem]:
    """Find keys that the model would ignore: an ignored key is a mistake that nobody sees."""
    known = known_keys(model)
    if known is None:
        return []
    listed = ", ".join(sorted(known)) or "none"
    return [_fault((key,), f"there is no such key (known: {listed})") for key in values if key not in known]


def _fault(location: tuple[int | str, ...], message: str) -> ErrorItem:
    return ErrorItem(pointer(*location), PluginConfigError.code, message.removeprefix("Value error, "))
