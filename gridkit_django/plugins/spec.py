"""What the database says about the plugins, read in three queries and then never changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gridkit_django.models import (
    DesiredState,
    EffectiveState,
    GrantDecision,
    InstalledPlugin,
    PluginPermissionGrant,
    PluginSource,
    PluginStorageUsage,
)
from gridkit_django.plugins.permissions import GrantTable
from gridkit_django.plugins.revisions import ConfigLayer, newest_layers
from gridkit_django.plugins.savepoints import database


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """One installed plugin as every process must run it.

    What the system itself wrote about its state plays no part in comparing two specs.

    Attributes:
        plugin_id: its id.
        source: where its code comes from.
        source_ref: which of the sources of this kind.
        revision: rises with every change that processes must follow.
        wanted: whether the administrator wants it active.
        version: version that was installed.
        digest: content digest of the code that was installed.
        site_config: the newest configuration for all grids, secrets sealed.
        grid_configs: the newest configuration by grid, secrets sealed.
        grants: what it is allowed.
        pinned: whether it keeps this version, whatever lies at its source.
        effective_state: what was last seen to be the case.
        evidence: facts that were written beside the state.
        layers: the configurations with all that is stored beside their values, by grid, and by "" for all grids.
        storage_version: the version of what is stored.
        on_trial: whether this process runs it before the others do.
    """

    plugin_id: str
    source: PluginSource
    source_ref: str
    revision: int
    wanted: bool
    version: str
    digest: str
    site_config: Mapping[str, Any]
    grid_configs: Mapping[str, Mapping[str, Any]]
    grants: GrantTable
    pinned: bool
    effective_state: EffectiveState = field(compare=False)
    evidence: Mapping[str, Any] = field(compare=False)
    layers: Mapping[str, ConfigLayer] = field(compare=False, default_factory=dict)
    storage_version: int = field(compare=False, default=1)
    on_trial: bool = False

    def with_layers(self, layers: Mapping[str, ConfigLayer]) -> PluginSpec:
        """Return this spec with other configurations."""
        values = {grid: layer.data for grid, layer in layers.items()}
        site = values.pop("", {})
        return replace(self, site_config=site, grid_configs=values, layers=layers)


def load_specs() -> dict[str, PluginSpec]:
    """Read all installed plugins, ordered by id."""
    configs, grants = newest_layers(), _grants()
    rows = (
        InstalledPlugin.objects.using(database())
        .select_related("current_version", "storage_usage")
        .order_by("plugin_id")
    )
    return {row.plugin_id: _spec(row, configs.get(row.pk, {}), grants[row.pk]) for row in rows}


def load_spec(row: InstalledPlugin) -> PluginSpec:
    """Read one installed plugin."""
    return _spec(row, newest_layers(plugin=row).get(row.pk, {}), _grants(plugin=row)[row.pk])


def stored_version(row: InstalledPlugin) -> int:
    """Return the version of what a plugin stored: that of its counter, without one that of the code in use."""
    usage: PluginStorageUsage | None = getattr(row, "storage_usage", None)
    if usage is not None:
        return usage.storage_version
    return row.current_version.storage_version if row.current_version else 1


def _spec(row: InstalledPlugin, layers: Mapping[str, ConfigLayer], grants: GrantTable) -> PluginSpec:
    version = row.current_version
    spec = PluginSpec(
        plugin_id=row.plugin_id,
        source=PluginSource(row.source),
        source_ref=row.source_ref,
        revision=row.revision,
        wanted=row.desired_state == DesiredState.ACTIVE,
        version=version.version if version else "",
        digest=version.digest if version else "",
        site_config={},
        grid_configs={},
        grants=grants,
        pinned=row.pinned,
        effective_state=EffectiveState(row.effective_state),
        evidence=row.state_evidence,
        storage_version=stored_version(row),
    )
    return spec.with_layers(layers)


def _grants(**only: Any) -> dict[int, GrantTable]:
    names: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for plugin, permission, decision in (
        PluginPermissionGrant.objects.using(database())
        .filter(**only)
        .values_list("plugin_id", "permission", "decision")
    ):
        names[plugin][decision].add(permission)
    tables = defaultdict(GrantTable)
    for plugin, by_decision in names.items():
        granted, revoked = by_decision[GrantDecision.GRANTED], by_decision[GrantDecision.REVOKED]
        tables[plugin] = GrantTable(frozenset(granted), frozenset(revoked))
    return tables
