"""What a plugin stores and what is set aside of it, on the wire. Never a value."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gridkit_django.api.serializers.bodies import ResponseBody
from gridkit_django.plugins.storage_keeping import StoredNow


class StorageCopyEntry(ResponseBody):
    """What is set aside of one version of a plugin's storage."""

    storage_version: int
    keys: int
    bytes: int
    taken_at: datetime
    """When it was set aside."""
    versions: list[str]
    """Versions of the plugin that follow it and whose files are kept: it comes back with them."""
    known_good: bool
    """Whether the last known good state needs it."""


class StorageBody(ResponseBody):
    """What a plugin stores, and what is set aside beside it, the newest version first."""

    plugin: str
    storage_version: int
    """The version of what is stored now."""
    keys: int
    bytes: int
    copies: list[StorageCopyEntry]


def storage_body(plugin_id: str, found: StoredNow) -> dict[str, Any]:
    """Return what is stored."""
    return StorageBody(
        plugin=plugin_id,
        storage_version=found.storage_version,
        keys=found.keys,
        bytes=found.bytes,
        copies=[
            StorageCopyEntry(
                storage_version=item.storage_version,
                keys=item.keys,
                bytes=item.bytes,
                taken_at=item.taken_at,
                versions=list(item.versions),
                known_good=item.known_good,
            )
            for item in found.copies
        ],
    ).to_wire()
