"""Secrets in configurations: they go in, they are used, they never come out to a face in plain form.

A secret is what its JSON Schema calls ``writeOnly``, as pydantic does for ``SecretStr`` and ``SecretBytes``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MASK = "********"
"""Stands for a stored secret in everything that is shown; when it comes back, the stored one is kept."""

_DEPTH_MAX = 20


def mask_secrets(values: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` with each non-empty secret replaced by ``MASK``.

    Args:
        values: a configuration.
        schema: its JSON Schema.
    """
    masked: dict[str, Any] = _walk(
        dict(values), schema, schema, lambda secret, _old: MASK if secret else secret, None, 0
    )
    return masked


def restore_secrets(
    submitted: Mapping[str, Any], stored: Mapping[str, Any], schema: Mapping[str, Any]
) -> dict[str, Any]:
    """Return ``submitted`` with each ``MASK`` in the place of a secret replaced by the stored secret.

    A mask that stands for nothing stored is dropped, so that the check of the configuration finds it missing.

    Args:
        submitted: what a person sent, perhaps with masks.
        stored: the configuration until now.
        schema: the JSON Schema of both.
    """
    restored: dict[str, Any] = _walk(
        dict(submitted), schema, schema, lambda secret, old: old if secret == MASK else secret, dict(stored), 0
    )
    return restored


class _Nothing:
    """Marks a value that is not there."""


def _walk(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], change: Any, other: Any, depth: int) -> Any:
    """Rebuild ``value``, passing each secret through ``change`` with what ``other`` holds in its place."""
    choices = list(_alternatives(schema, root)) if depth < _DEPTH_MAX else []
    if any(item.get("writeOnly") for item in choices):
        return change(value, other)
    if isinstance(value, Mapping):
        return _walk_object(value, choices, root, change, other, depth)
    if isinstance(value, list):
        items = _first(choices, "items")
        others = other if isinstance(other, list) else []
        padded = [*others, *[_Nothing] * (len(value) - len(others))]
        walked = [_walk(item, items, root, change, old, depth + 1) for item, old in zip(value, padded, strict=False)]
        return [item for item in walked if item is not _Nothing]
    return value


def _walk_object(
    value: Mapping[str, Any],
    choices: list[Mapping[str, Any]],
    root: Mapping[str, Any],
    change: Any,
    other: Any,
    depth: int,
) -> dict[str, Any]:
    others = other if isinstance(other, Mapping) else {}
    known = {name: item for choice in choices for name, item in choice.get("properties", {}).items()}
    rest = _first(choices, "additionalProperties")
    walked = {
        key: _walk(item, known.get(key, rest), root, change, others.get(key, _Nothing), depth + 1)
        for key, item in value.items()
    }
    return {key: item for key, item in walked.items() if item is not _Nothing}


def _first(choices: list[Mapping[str, Any]], keyword: str) -> Mapping[str, Any]:
    return next((found for choice in choices if isinstance(found := choice.get(keyword), Mapping)), {})


def _alternatives(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and all that it refers to or offers as alternatives."""
    if depth > _DEPTH_MAX:
        return
    yield schema
    reference = schema.get("$ref", "")
    if reference.startswith("#/$defs/"):
        yield from _alternatives(root.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {}), root, depth + 1)
    for keyword in ("anyOf", "oneOf", "allOf"):
        for item in schema.get(keyword, ()):
            yield from _alternatives(item, root, depth + 1)
