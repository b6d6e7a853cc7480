"""Keeping personal data out of records: values of masked columns are replaced before anything is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gridkit_django.plugins import AUDIT_MASK

_COLUMN_KEYS = ("col", "column")
_VALUE_KEYS = frozenset({"value", "to", "old", "new"})


def masked_payload(value: Any, mask: Collection[str], *, search: bool = False) -> Any:
    """Return a copy of a payload without values of masked columns, wherever they stand in it.

    Two shapes name a column: an object with the column's id as key, and an object that says ``col`` or ``column``,
    as filters and cell edits do.

    Args:
        value: the payload, or a part of it.
        mask: ids of the columns.
        search: whether what people searched for is masked, too: the search looks into one of the columns.
    """
    if isinstance(value, Mapping):
        about_masked = any(value.get(key) in mask for key in _COLUMN_KEYS if isinstance(value.get(key), str))
        return {
            key: AUDIT_MASK
            if key in mask or (about_masked and key in _VALUE_KEYS) or (search and item and key == "search")
            else masked_payload(item, mask, search=search)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [masked_payload(item, mask, search=search) for item in value]
    return value
