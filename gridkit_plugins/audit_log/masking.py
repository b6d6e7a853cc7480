"""Keeping personal data out of records: values of masked columns are replaced before anything is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gridkit_django.plugins import AUDIT_MASK

_COLUMN_KEYS = ("col", "column")
_VALUE_KEYS = frozenset({"value", "to", "old", "new"})
_CURSORS = frozenset({"after", "before"})
"""Keys of a window under which cursors stand: those are signed and not encrypted, and hold values of a row."""


def masked_payload(value: Any, mask: Collection[str], *, search: bool = False) -> Any:
    """Return a copy of a payload without values of masked columns, wherever they stand in it.

    Two shapes name a column: an object with the column's id as key, and an object that says ``col`` or ``column``,
    as filters and cell edits do. Cursors may hold values of any column, so where one is masked they are.

    Args:
        value: the payload, or a part of it.
        mask: ids of the columns.
        search: whether what people searched for is masked, too: the search looks into one of the columns.
    """
    if isinstance(value, Mapping):
        hidden = {*mask, *_hidden_keys(value, mask, search)}
        return {
            key: AUDIT_MASK if key in hidden else masked_payload(item, mask, search=search)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [masked_payload(item, mask, search=search) for item in value]
    return value


def _hidden_keys(value: Mapping[str, Any], mask: Collection[str], search: bool) -> Iterator[str]:
    """Yield the keys of an object whose values are about masked columns."""
    if any(value.get(key) in mask for key in _COLUMN_KEYS if isinstance(value.get(key), str)):
        yield from _VALUE_KEYS
    if mask and value.get("kind") == "cursor":
        yield from (key for key in _CURSORS if value.get(key) is not None)
    if search and value.get("search"):
        yield "search"
