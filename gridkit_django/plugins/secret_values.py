"""Secrets in configurations: they go in, they are used, and never come out to a face or into a table in plain form.

A secret is what its JSON Schema calls ``writeOnly``, as pydantic does for ``SecretStr`` and ``SecretBytes``. Where it
is stored it is sealed, see ``encryption``. A sealed value is a secret wherever it lies, whatever a newer schema says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from gridkit_django.exceptions import ErrorItem, PluginConfigError, PluginSecretError
from gridkit_django.grids.pointers import pointer
from gridkit_django.plugins.encryption import UNREADABLE, Keyring, is_sealed
from gridkit_django.plugins.schema_places import Place

MASK = "********"
"""Stands for a stored secret in everything that is shown; when it comes back, the stored one is kept."""

DEFAULT_MASK = "*" * 10
"""Stands for a secret that the plugin's code has as its default, as pydantic writes it into the JSON Schema."""

DEPTH_MAX = 64
"""Levels of objects and lists in a configuration."""

_TELLING_LENGTH = 4


class _Descend:
    """Answer of a visit: look at the parts of the value."""


Path: TypeAlias = tuple[str | int, ...]

Visit: TypeAlias = Callable[[Any, Place, Path], Any]
"""Called with a value, its place and its path; returns what takes its place, or ``_Descend``."""


def seal_secrets(
    values: Mapping[str, Any], schema: Mapping[str, Any], keyring: Keyring, *, known: Sequence[Any] = ()
) -> dict[str, Any]:
    """Return ``values`` as they may be stored: each non-empty secret sealed. Masks stay, see ``restore_secrets``.

    What only looks like a sealed value is sealed itself, so that nobody can pass off somebody else's token as a value.

    Args:
        values: a configuration in plain form.
        schema: its JSON Schema.
        keyring: seals.
        known: values that were secret before: they are sealed wherever they turn up.

    Raises:
        PluginConfigError: over ``DEPTH_MAX`` levels.
    """

    def visit(value: Any, place: Place, path: Path) -> Any:
        if len(path) > DEPTH_MAX:
            raise PluginConfigError(f"The configuration is nested deeper than {DEPTH_MAX} levels. Make it flatter.")
        if is_sealed(value) or (_is_weighty(value) and value in known):
            return keyring.seal(value)
        if place.is_secret:
            return value if is_empty(value) or value in (MASK, DEFAULT_MASK) else keyring.seal(value)
        return _Descend

    return _rebuilt(values, schema, visit)


def seal_stored(values: Mapping[str, Any], schemas: Sequence[Mapping[str, Any]], keyring: Keyring) -> dict[str, Any]:
    """Return stored values with every secret sealed with the newest key; what is so already stays as it is.

    Args:
        values: a stored configuration, in which some secrets may be plain because they were written long ago.
        schemas: the JSON Schemas that it may follow; what is a secret in one of them is sealed.
        keyring: seals.

    Raises:
        PluginSecretError: when a sealed value can't be read.
    """

    def visit(value: Any, place: Place, path: Path) -> Any:
        if is_sealed(value):
            return keyring.renewed(value)
        return keyring.seal(value) if place.is_secret and not is_empty(value) else _Descend

    result = dict(values)
    for schema in schemas or ({},):
        result = _rebuilt(result, schema, visit)
    return result


def open_secrets(values: Mapping[str, Any], keyring: Keyring) -> dict[str, Any]:
    """Return stored values in plain form, for the plugin only.

    Raises:
        PluginSecretError: when some can't be read; one item in ``errors`` for each.
    """
    faults: list[ErrorItem] = []

    def visit(value: Any, place: Place, path: Path) -> Any:
        if not is_sealed(value):
            return _Descend
        try:
            return keyring.unseal(value)
        except PluginSecretError as error:
            faults.append(ErrorItem(pointer(*path), error.code, "this secret can't be decrypted"))
            return None

    opened = _rebuilt(values, {}, visit)
    if faults:
        raise PluginSecretError(
            f"{UNREADABLE} It is about {', '.join(item.pointer for item in faults)}.", errors=faults
        )
    return opened


def mask_secrets(values: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` with each non-empty secret replaced by ``MASK``; no key is needed for that.

    Args:
        values: a configuration, stored or plain.
        schema: its JSON Schema.
    """
    return _rebuilt(values, schema, _mask)


def masked(value: Any, place: Place) -> Any:
    """Return one part of a configuration with its secrets masked."""
    return _walk(value, place, _mask, ())


def secrets_in(values: Any, schema: Mapping[str, Any]) -> list[Any]:
    """Return the non-empty secrets of a configuration in plain form, as the schema knows them."""
    found: list[Any] = []

    def visit(value: Any, place: Place, path: Path) -> Any:
        if place.is_secret and not is_empty(value):
            found.append(value)
            return value
        return _Descend

    _rebuilt(values, schema, visit)
    return found


def sealed_in(values: Any) -> list[Mapping[str, str]]:
    """Return the sealed values inside stored values."""
    found: list[Mapping[str, str]] = []

    def visit(value: Any, place: Place, path: Path) -> Any:
        if is_sealed(value):
            found.append(value)
            return value
        return _Descend

    _rebuilt(values, {}, visit)
    return found


def without_secrets(text: str, secrets: Sequence[Any]) -> str:
    """Return a text with the given secrets (and the texts inside them) replaced by ``MASK``, the longest first."""
    texts = {part for secret in secrets for part in _texts(secret)}
    for part in sorted(texts, key=len, reverse=True):
        text = text.replace(part, MASK)
    return text


def facts_without_secrets(facts: Mapping[str, Any], secrets: Sequence[Any]) -> dict[str, Any]:
    """Return plain facts with the given secrets taken out of every text in them."""

    def visit(value: Any, place: Place, path: Path) -> Any:
        return without_secrets(value, secrets) if isinstance(value, str) else _Descend

    return _rebuilt(facts, {}, visit)


def _mask(value: Any, place: Place, _path: Path) -> Any:
    if is_sealed(value):
        return MASK
    if place.is_secret:
        return value if is_empty(value) else MASK
    return _Descend


def _rebuilt(values: Mapping[str, Any], schema: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    """Rebuild the members of a configuration; the whole of it is never one secret."""
    top = Place.top(schema)
    return {key: _walk(item, top.member(key), visit, (key,)) for key, item in values.items()}


def _walk(value: Any, place: Place, visit: Visit, path: Path) -> Any:
    answer = visit(value, place, path)
    if answer is not _Descend:
        return answer
    if isinstance(value, Mapping):
        return {key: _walk(item, place.member(key), visit, (*path, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, place.item(index), visit, (*path, index)) for index, item in enumerate(value)]
    return value


def is_empty(value: Any) -> bool:
    """Whether there is no secret in a secret's place; empty ones are shown, so that people see there is none."""
    return value is None or value in ("", [], {})


def _is_weighty(value: Any) -> bool:
    """Whether a value can be told again elsewhere: small numbers and truths turn up by chance."""
    return isinstance(value, str | list | Mapping) and not is_empty(value)


def _texts(secret: Any) -> Iterator[str]:
    """Yield the texts by which a secret could show; very short ones would only spoil the text."""
    if isinstance(secret, Mapping):
        secret = list(secret.values())
    if isinstance(secret, list | tuple):
        for item in secret:
            yield from _texts(item)
        return
    text = secret if isinstance(secret, str) else json.dumps(secret)
    if len(text) >= _TELLING_LENGTH:
        yield text
        yield json.dumps(text)[1:-1]
        yield repr(text)[1:-1]
