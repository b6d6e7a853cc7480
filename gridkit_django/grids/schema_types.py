"""TypeScript types of JSON Schemas (2020-12), as methods of plugins declare their arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

_PLAIN: Mapping[str, str] = MappingProxyType(
    {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
)
_DEPTH_MAX = 16
UNKNOWN = "unknown"
"""The type of what the schema says in words that TypeScript has none for: the server judges it in full."""


def schema_type(schema: Any, root: Mapping[str, Any] | None = None, depth: int = 0) -> str:
    """Return the type of the values that a schema lets through, or a wider one.

    Args:
        schema: the schema, or a part of it.
        root: the schema that references point into; None means this one.
        depth: how many references and levels lead here; schemas that hold themselves end as ``unknown``.
    """
    if not isinstance(schema, Mapping) or depth > _DEPTH_MAX:
        return UNKNOWN
    root = schema if root is None else root
    if "$ref" in schema:
        return schema_type(_referred(schema["$ref"], root), root, depth + 1)
    if "const" in schema:
        return literal(schema["const"])
    if isinstance(schema.get("enum"), Sequence):
        return union([literal(value) for value in schema["enum"]])
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return union([schema_type(item, root, depth + 1) for item in schema[key]])
    return _of_kind(schema, root, depth)


def literal(value: Any) -> str:
    """Return the type that holds just this plain value."""
    return (
        json.dumps(value, ensure_ascii=False)
        if isinstance(value, (str, int, float, bool)) or value is None
        else UNKNOWN
    )


def union(types: Sequence[str]) -> str:
    """Join types, each named once."""
    return " | ".join(dict.fromkeys(types)) or "never"


def listed(item: str) -> str:
    """Return the type of a list."""
    return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"


def _referred(reference: Any, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in str(reference).removeprefix("#").strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) and key else found
    return found if str(reference).startswith("#") else None


def _of_kind(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> str:
    kind = schema.get("type")
    if isinstance(kind, Sequence) and not isinstance(kind, str):
        return union([_of_kind({**schema, "type": item}, root, depth) for item in kind])
    if kind == "object" or (kind is None and "properties" in schema):
        return _object(schema, root, depth)
    if kind == "array":
        return listed(schema_type(schema.get("items"), root, depth + 1))
    return _PLAIN.get(str(kind), UNKNOWN)


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> str:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    required = frozenset(schema.get("required") or ())
    members = [
        f"readonly {json.dumps(name, ensure_ascii=False)}{'' if name in required else '?'}: "
        f"{schema_type(item, root, depth + 1)}"
        for name, item in properties.items()
    ]
    if not members:
        closed = schema.get("additionalProperties") is False
        return f"{{ readonly [key: string]: {'never' if closed else UNKNOWN} }}"
    return f"{{ {'; '.join(members)} }}"
