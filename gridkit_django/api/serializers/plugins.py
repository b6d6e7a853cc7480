"""Plugins on the wire: what is installed, what could be, and what an administrator asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.models import HealthCheckResult, RuntimeProcess
from gridkit_django.plugins import AvailablePlugin, PendingVersion, PluginInfo


class PluginReason(ResponseBody):
    """Why a plugin is not simply active."""

    code: str
    detail: str
    evidence: dict[str, Any]


class PluginEntry(ResponseBody):
    """One installed plugin of the list."""

    id: str
    name: str
    version: str
    description: str
    author: str
    category: str
    tags: list[str]
    desired_state: str
    """What the administrator wants: active or inactive."""
    state: str
    """What is the case."""
    reason: PluginReason | None
    revision: int
    """Rises with every change."""
    url: str


class PluginList(ResponseBody):
    """The installed plugins that you have any right on."""

    results: list[PluginEntry]


class PluginPermission(ResponseBody):
    """A permission that a plugin asks for, or that was decided about."""

    name: str
    required: bool
    decision: Literal["requested", "granted", "revoked", "denied"] | None
    reason: str
    """The plugin's words, when it asked at run time."""
    uses: int
    """How often it was used, as far as the processes have stored it."""
    last_used_at: datetime | None


class PluginPending(ResponseBody):
    """A version that waits for consent; the one in use runs on."""

    version: str
    digest: str
    asks_for: list[str]
    """The permissions that nobody decided about."""


class PluginHealthReport(ResponseBody):
    """The latest health check."""

    status: Literal["healthy", "degraded", "unhealthy"]
    message: str
    details: dict[str, Any]
    duration_ms: float
    checked_at: datetime


class PluginProcess(ResponseBody):
    """A process of this site, and the revision of the plugin that it runs."""

    host: str
    pid: int
    kind: str
    seen_at: datetime
    revision: int | None
    """None: the plugin is not at work there."""
    current: bool
    """Whether it has followed the latest change of plugins."""


class PluginDetail(PluginEntry):
    """An installed plugin, with everything that an administrator needs."""

    manifest: dict[str, Any]
    source: str
    source_ref: str
    auto_update: str
    """Which newer releases come by themselves: off, patches, minor or all."""
    pinned: bool
    """Whether it keeps this version, whatever lies at its source."""
    pin_note: str
    """Why it does."""
    pending: PluginPending | None
    """The version that waits for consent."""
    kept_versions: list[str]
    """The other versions that it can go to."""
    permissions: list[PluginPermission]
    config: dict[str, Any]
    """The values for all grids; secrets are masked."""
    config_schema: dict[str, Any]
    """JSON Schema (2020-12) of the values."""
    locked: list[str]
    """Keys that the site's settings lock."""
    health: PluginHealthReport | None
    processes: list[PluginProcess]
    installed_at: datetime
    changed_at: datetime


class AvailableEntry(ResponseBody):
    """A source of a plugin that this site can reach."""

    ref: str
    """Send this as ``source`` to install it."""
    source: str
    id: str | None
    name: str | None
    version: str | None
    description: str | None
    required_permissions: list[str]
    config_schema: dict[str, Any]
    installed: bool
    featured: bool
    """Whether this site puts it first."""
    reason: PluginReason | None
    """Why it can't be installed."""


class AvailableList(ResponseBody):
    """All sources, the broken ones with their reason."""

    results: list[AvailableEntry]


class InstallRequest(RequestBody):
    """A plugin to install. Nothing is granted or started that is not named."""

    source: str = Field(min_length=1, max_length=500)
    """``ref`` of an available plugin, or a plugin's id when only one source has it."""
    config: dict[str, Any] = Field(default_factory=dict)
    """Values for all grids; needs the right to configure plugins."""
    grants: list[str] = Field(default_factory=list, max_length=100)
    """Permissions to grant; needs the right to grant."""
    activate: bool = False
    """Start it at once; needs the right to activate."""


class ConfigureRequest(RequestBody):
    """New values; those of the same scope that are left out get their defaults."""

    config: dict[str, Any]
    grid: str = Field(default="", max_length=100)
    """Id of the grid that they are for; empty for all grids."""


class GrantRequest(RequestBody):
    """A decision about one permission or wildcard."""

    permission: str = Field(min_length=1, max_length=200)
    decision: Literal["granted", "revoked", "denied"]


def plugin_entry(plugin: PluginInfo, url: str) -> dict[str, Any]:
    """Return the entry of the list."""
    return PluginEntry(**_entry_fields(plugin, url)).to_wire()


def plugin_detail(
    plugin: PluginInfo,
    url: str,
    health: HealthCheckResult | None,
    processes: list[PluginProcess],
) -> dict[str, Any]:
    """Return everything about an installed plugin.

    Args:
        plugin: the plugin; its configuration comes masked.
        url: its address.
        health: its latest health check.
        processes: the processes of this site.
    """
    return PluginDetail(
        **_entry_fields(plugin, url),
        manifest=dict(plugin.manifest),
        source=plugin.source,
        source_ref=plugin.source_ref,
        auto_update=plugin.auto_update,
        pinned=plugin.pinned,
        pin_note=plugin.pin_note,
        pending=_pending(plugin.pending),
        kept_versions=list(plugin.kept_versions),
        permissions=[
            PluginPermission(
                name=item.name,
                required=item.required,
                decision=item.decision,
                reason=item.reason,
                uses=item.use_count,
                last_used_at=item.last_used_at,
            )
            for item in plugin.permissions
        ],
        config=dict(plugin.config),
        config_schema=dict(plugin.config_schema),
        locked=list(plugin.locked),
        health=None if health is None else health_report(health),
        processes=processes,
        installed_at=plugin.installed_at,
        changed_at=plugin.changed_at,
    ).to_wire()


def plugin_process(process: RuntimeProcess, plugin_id: str, generation: int) -> PluginProcess:
    """Describe a process from the view of one plugin.

    Args:
        process: the process as it last reported itself.
        plugin_id: the plugin.
        generation: the generation that all processes should follow.
    """
    return PluginProcess(
        host=process.host,
        pid=process.pid,
        kind=process.kind,
        seen_at=process.seen_at,
        revision=process.plugins.get(plugin_id),
        current=process.generation >= generation,
    )


def available_entry(found: AvailablePlugin, featured: Sequence[str]) -> dict[str, Any]:
    """Return a source of the list of available plugins.

    Args:
        found: the source.
        featured: ids of the plugins that the site puts first.
    """
    metadata = found.metadata
    return AvailableEntry(
        ref=found.ref,
        source=found.source.value,
        id=metadata.id if metadata else None,
        name=metadata.name if metadata else None,
        version=metadata.version if metadata else None,
        description=metadata.description if metadata else None,
        required_permissions=list(metadata.required_permissions) if metadata else [],
        config_schema=dict(found.config_schema),
        installed=found.installed,
        featured=metadata is not None and metadata.id in featured,
        reason=PluginReason(code=found.code, detail=found.reason, evidence={}) if found.reason else None,
    ).to_wire()


def _entry_fields(plugin: PluginInfo, url: str) -> dict[str, Any]:
    manifest = plugin.manifest
    reason = PluginReason(
        code=plugin.state_code, detail=plugin.state_reason, evidence=dict(plugin.state_evidence or {})
    )
    return {
        "id": plugin.id,
        "name": plugin.name,
        "version": plugin.version,
        "description": str(manifest.get("description", "")),
        "author": str(manifest.get("author", "")),
        "category": plugin.category,
        "tags": list(manifest.get("tags", ())),
        "desired_state": plugin.desired_state,
        "state": plugin.effective_state,
        "reason": reason if plugin.state_code else None,
        "revision": plugin.revision,
        "url": url,
    }


def _pending(waiting: PendingVersion | None) -> PluginPending | None:
    if waiting is None:
        return None
    return PluginPending(version=waiting.version, digest=waiting.digest, asks_for=list(waiting.asks_for))


def health_report(result: HealthCheckResult) -> PluginHealthReport:
    """Return one health check."""
    return PluginHealthReport(
        status=result.status,
        message=result.message,
        details=result.details,
        duration_ms=result.duration_ms,
        checked_at=result.checked_at,
    )
