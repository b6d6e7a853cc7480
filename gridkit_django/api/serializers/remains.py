"""What goes with a plugin, and what is taken away of it, on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.plugins.kept_data import KeptData
from gridkit_django.plugins.remains import UninstallPreview


class UninstallRequest(RequestBody):
    """What becomes of the data of a plugin that is uninstalled."""

    data: Literal["keep", "purge"]
    """Whether configuration and storage are kept for a later installation. Must be said: nothing goes by omission."""


class UninstallPreviewBody(ResponseBody):
    """What would go with a plugin."""

    plugin: str
    needed_by: list[str]
    """Active plugins that need it; they must be deactivated first."""
    configurations: list[str]
    """Grids that have a configuration; the empty text stands for all grids."""
    grants: int
    storage_keys: int
    storage_bytes: int
    storage_copies: int
    """Versions of its storage that are set aside; they go also when the data is kept."""
    outbox_messages: int
    dead_letters: int
    jobs: int
    job_runs: int
    versions: int


class PluginDataConfiguration(ResponseBody):
    """The values of one scope, secrets masked."""

    grid: str
    schema_version: int
    values: dict[str, Any]


class PluginData(ResponseBody):
    """What a plugin has stored."""

    plugin: str
    version: str
    configurations: list[PluginDataConfiguration]
    storage: dict[str, Any]


class KeptDataItem(ResponseBody):
    """What is kept of one plugin."""

    plugin: str
    version: str
    """The version that was in use."""
    kept_at: datetime
    configurations: list[str]
    """Grids, and an empty text for all grids."""
    storage_keys: int
    storage_bytes: int


class KeptDataList(ResponseBody):
    """The uninstalled plugins of which data is kept, by id."""

    results: list[KeptDataItem]


def kept_data_list(found: Iterable[KeptData]) -> dict[str, Any]:
    """Return what is kept."""
    return KeptDataList(
        results=[
            KeptDataItem(
                plugin=item.plugin_id,
                version=item.version,
                kept_at=item.kept_at,
                configurations=list(item.configurations),
                storage_keys=item.storage_keys,
                storage_bytes=item.storage_bytes,
            )
            for item in found
        ]
    ).to_wire()


def uninstall_preview(found: UninstallPreview) -> dict[str, Any]:
    """Return what would go."""
    return UninstallPreviewBody(
        plugin=found.plugin_id,
        needed_by=list(found.needed_by),
        configurations=list(found.configurations),
        grants=found.grants,
        storage_keys=found.storage_keys,
        storage_bytes=found.storage_bytes,
        storage_copies=found.storage_copies,
        outbox_messages=found.outbox_messages,
        dead_letters=found.dead_letters,
        jobs=found.jobs,
        job_runs=found.job_runs,
        versions=found.versions,
    ).to_wire()
