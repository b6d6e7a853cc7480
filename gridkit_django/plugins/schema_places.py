"""Walking a value along its JSON Schema: which schemas speak about which part of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]


class Place:
    """One part of a value, with every schema that speaks about it.

    All alternatives count: what is a secret in one of them is treated as one.

    Args:
        schemas: the schemas, before references are followed.
        root: the document that references point into.
    """

    __slots__ = ("_root", "_schemas")

    def __init__(self, schemas: Sequence[Schema], root: Schema) -> None:
        self._root = root
        self._schemas = tuple(_alternatives(schemas, root))

    @classmethod
    def top(cls, schema: Schema) -> Place:
        """Return the place of a whole value."""
        return cls((schema,), schema)

    @property
    def is_secret(self) -> bool:
        """Whether a schema calls the part ``writeOnly``, as pydantic does for ``SecretStr`` and ``SecretBytes``."""
        return any(item.get("writeOnly") is True for item in self._schemas)

    def member(self, key: str) -> Place:
        """Return the place of an object's member."""
        return Place([found for item in self._schemas for found in _of_member(item, key)], self._root)

    def item(self, index: int) -> Place:
        """Return the place of an array's item."""
        return Place([found for item in self._schemas for found in _of_item(item, index)], self._root)


def _of_member(schema: Schema, key: str) -> Iterator[Schema]:
    named = schema.get("properties", {}).get(key)
    matching = [item for pattern, item in schema.get("patternProperties", {}).items() if _may_match(pattern, key)]
    spoken = [item for item in (named, *matching) if isinstance(item, Mapping)]
    rest = schema.get("additionalProperties")
    if not spoken and isinstance(rest, Mapping):
        spoken = [rest]
    yield from spoken


def _may_match(pattern: str, key: str) -> bool:
    """Whether a pattern fits; one that only another dialect can read is taken to fit, which is the safe side."""
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return True


def _of_item(schema: Schema, index: int) -> Iterator[Schema]:
    first = schema.get("prefixItems", ())
    found = first[index] if index < len(first) else schema.get("items")
    if isinstance(found, Mapping):
        yield found


def _alternatives(schemas: Sequence[Schema], root: Schema) -> Iterator[Schema]:
    """Yield schemas and all that they refer to or offer as alternatives, each reference once."""
    waiting: list[Schema] = list(schemas)
    followed: set[str] = set()
    while waiting:
        schema = waiting.pop()
        yield schema
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in followed:
            followed.add(reference)
            target = _target(reference, root)
            waiting.extend([target] if isinstance(target, Mapping) else ())
        for keyword in ("anyOf", "oneOf", "allOf"):
            waiting.extend(item for item in schema.get(keyword, ()) if isinstance(item, Mapping))


def _target(reference: str, root: Schema) -> Any:
    """Return what a reference inside the document points to, or None."""
    if not reference.startswith("#"):
        return None
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
