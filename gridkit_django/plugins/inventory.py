"""What is installed: everything that faces show about plugins, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gridkit_django.models import GrantDecision, InstalledPlugin, PluginPermissionGrant
from gridkit_django.plugins.config import pinned_values
from gridkit_django.plugins.configuration import shown_config
from gridkit_django.plugins.consent import undecided
from gridkit_django.plugins.limits import ResourceUsage
from gridkit_django.plugins.packages import kept_among
from gridkit_django.plugins.spec import PluginSpec, load_specs
from gridkit_django.plugins.stats import CallFigures
from gridkit_django.plugins.update_policy import policy_of


@dataclass(frozen=True, slots=True)
class PermissionInfo:
    """One permission that a plugin asks for or that was decided about.

    Attributes:
        name: the permission or wildcard.
        required: whether the manifest asks for it.
        decision: what was decided, or None for nothing yet.
        reason: the plugin's words, when it asked at run time.
        use_count: how often the grant was used, as far as processes have stored it.
        last_used_at: when it was used last, or None for never.
    """

    name: str
    required: bool
    decision: str | None = None
    reason: str = ""
    use_count: int = 0
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingVersion:
    """A version that waits for consent; the one in use runs on.

    Attributes:
        version: its number.
        digest: digest of its content.
        asks_for: the permissions that it asks for and that nobody decided about.
    """

    version: str
    digest: str
    asks_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """An installed plugin.

    Attributes:
        id: its id.
        name: for people.
        version: the version in use.
        auto_update: which newer releases come by themselves, by its own policy or the site's.
        pinned: whether it keeps this version, whatever lies at its source.
        pin_note: why it does; empty when it does not.
        pending: the version that waits for consent, or None.
        kept_versions: numbers of the other versions that it can be rolled back or updated to, the newest use first.
        manifest: all that its manifest says.
        source: what kind of source it came from.
        source_ref: which one of its kind.
        desired_state: what the administrator wants.
        effective_state: what is the case.
        state_code: stable code of the reason, empty when all is well.
        state_reason: the reason in one sentence.
        state_evidence: facts that support it.
        revision: rises with every change.
        permissions: what it asks for and what was decided.
        config: the configuration for all grids, secrets masked.
        config_schema: its JSON Schema.
        locked: keys of the configuration that the site's settings lock.
        installed_at: when it was installed.
        changed_at: when its row changed last.
    """

    id: str
    name: str
    version: str
    auto_update: str
    pinned: bool
    pin_note: str
    pending: PendingVersion | None
    kept_versions: tuple[str, ...]
    manifest: Mapping[str, Any]
    source: str
    source_ref: str
    desired_state: str
    effective_state: str
    state_code: str
    state_reason: str
    state_evidence: Mapping[str, Any]
    revision: int
    permissions: tuple[PermissionInfo, ...]
    config: Mapping[str, Any]
    config_schema: Mapping[str, Any]
    locked: tuple[str, ...]
    installed_at: datetime
    changed_at: datetime

    @property
    def category(self) -> str:
        """What it is for."""
        return str(self.manifest.get("category", ""))


@dataclass(frozen=True, slots=True)
class PluginUsage:
    """What a plugin did and uses in this process.

    Attributes:
        running: whether it is at work here.
        revision: the revision at work here, or None.
        usage: what it uses; None when it is not at work.
        calls: the accounting of each handler and method.
    """

    running: bool
    revision: int | None = None
    usage: ResourceUsage | None = None
    calls: tuple[CallFigures, ...] = ()


@dataclass(frozen=True, slots=True)
class PluginFilter:
    """Which plugins to list. Every condition that is given must hold.

    Attributes:
        category: of the manifest.
        desired_state: what the administrator wants.
        effective_state: what is the case.
        tag: one of the manifest's tags.
        text: part of id, name or description, in small or capital letters.
    """

    category: str | None = None
    desired_state: str | None = None
    effective_state: str | None = None
    tag: str | None = None
    text: str = ""

    def admits(self, plugin: PluginInfo) -> bool:
        """Whether the plugin meets the conditions."""
        exact = ((self.category, plugin.category), (self.desired_state, plugin.desired_state))
        if any(wanted is not None and wanted != found for wanted, found in exact):
            return False
        if self.effective_state is not None and self.effective_state != plugin.effective_state:
            return False
        if self.tag is not None and self.tag not in plugin.manifest.get("tags", ()):
            return False
        words = f"{plugin.id} {plugin.name} {plugin.manifest.get('description', '')}".lower()
        return self.text.lower() in words


def describe(row: InstalledPlugin, spec: PluginSpec, kept: frozenset[str] | None = None) -> PluginInfo:
    """Return an installed plugin as plain values.

    Args:
        row: the plugin.
        spec: what the database says about it.
        kept: digests of all versions of it whose files are kept; None to ask for them.
    """
    if kept is None:
        kept = kept_among(version.digest for version in row.versions.all())
    version = row.current_version
    schema = version.config_schema if version else {}
    manifest: Mapping[str, Any] = version.manifest if version else {}
    return PluginInfo(
        id=row.plugin_id,
        name=str(manifest.get("name", row.plugin_id)),
        version=version.version if version else "",
        auto_update=policy_of(row).value,
        pinned=row.pinned,
        pin_note=row.pin_note,
        pending=_pending(row),
        kept_versions=_kept_versions(row, kept),
        manifest=manifest,
        source=row.source,
        source_ref=row.source_ref,
        desired_state=row.desired_state,
        effective_state=row.effective_state,
        state_code=row.state_code,
        state_reason=row.state_reason,
        state_evidence=row.state_evidence,
        revision=row.revision,
        permissions=_permissions(manifest.get("required_permissions", ()), row),
        config=shown_config(spec, schema),
        config_schema=schema,
        locked=tuple(sorted(pinned_values(row.plugin_id))),
        installed_at=row.installed_at,
        changed_at=row.changed_at,
    )


def list_installed(only: PluginFilter) -> tuple[PluginInfo, ...]:
    """Return the installed plugins that the filter admits, by id."""
    rows = InstalledPlugin.objects.select_related("current_version", "pending_version").order_by("plugin_id")
    rows = rows.prefetch_related("grants", "versions")
    specs = load_specs()
    kept = kept_among(version.digest for row in rows for version in row.versions.all())
    found = (describe(row, specs[row.plugin_id], kept) for row in rows if row.plugin_id in specs)
    return tuple(plugin for plugin in found if only.admits(plugin))


def _pending(row: InstalledPlugin) -> PendingVersion | None:
    waiting = row.pending_version
    if waiting is None:
        return None
    asked = undecided(row, waiting.manifest.get("required_permissions", ()))
    return PendingVersion(waiting.version, waiting.digest, asked)


def _kept_versions(row: InstalledPlugin, kept: frozenset[str]) -> tuple[str, ...]:
    used = [item for item in row.versions.all() if item.digest in kept and item.installed_at is not None]
    used.sort(key=lambda item: (item.installed_at, item.pk), reverse=True)
    now = row.current_version.version if row.current_version else ""
    return tuple(dict.fromkeys(item.version for item in used if item.version != now))


def _permissions(required: Iterable[str], row: InstalledPlugin) -> tuple[PermissionInfo, ...]:
    decided: dict[str, PluginPermissionGrant] = {item.permission: item for item in row.grants.all()}
    asked = list(required)
    names = [*asked, *sorted(name for name in decided if name not in asked)]
    return tuple(_permission(name, decided.get(name), required=name in asked) for name in names)


def _permission(name: str, decided: PluginPermissionGrant | None, *, required: bool) -> PermissionInfo:
    if decided is None:
        return PermissionInfo(name, required)
    decision = str(GrantDecision(decided.decision).value)
    return PermissionInfo(name, required, decision, decided.reason, decided.use_count, decided.last_used_at)
