"""Switching plugins on and off, and loading them anew."""

from __future__ import annotations

from gridkit_django.exceptions import PluginLoadError, PluginStateError
from gridkit_django.models import DesiredState, EffectiveState, InstalledPlugin, PluginSource
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.change import (
    STATE_FIELDS,
    changing,
    get_row,
    raise_failure,
    stored_metadata,
    tell,
    touch,
)
from gridkit_django.plugins.compat import check_core
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.plan import ChangeKind, PlanChange
from gridkit_django.plugins.planning import check_change
from gridkit_django.plugins.reports import store_version
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.typing import User

_FIELDS = ("desired_state", *STATE_FIELDS)


def activate(runtime: PluginRuntime, plugin_id: str, user: User | None) -> None:
    """Switch a plugin on. Also the way out of quarantine and suspension: it is tried again.

    Raises:
        PluginNotFoundError: when it is not installed.
        PluginIncompatibleError: when it was made for another core, a peer is missing or an active plugin conflicts.
        PluginError: when it could not start; the wish is stored, and its state says why it is not active.
    """
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        metadata = stored_metadata(row)
        check_core(metadata)
        check_change(PlanChange(ChangeKind.ACTIVATE, plugin_id))
        changes = _set_state(row, DesiredState.ACTIVE)
        if changes:
            touch(row, *_FIELDS)
            tell("activate", row, changes=changes)
    raise_failure(runtime, row)


def deactivate(runtime: PluginRuntime, plugin_id: str, user: User | None) -> None:
    """Switch a plugin off in every process; configuration, grants and storage stay.

    Raises:
        PluginNotFoundError: when it is not installed.
        PluginStateError: when active plugins need it.
    """
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        check_change(PlanChange(ChangeKind.DEACTIVATE, plugin_id))
        changes = _set_state(row, DesiredState.INACTIVE)
        if changes:
            touch(row, *_FIELDS)
            tell("deactivate", row, changes=changes)


def reload(runtime: PluginRuntime, plugin_id: str, user: User | None) -> None:
    """Load a plugin's manifest and code anew, in every process. The old code serves until the new stands.

    Raises:
        PluginNotFoundError: when it is not installed.
        PluginStateError: when it is not active, or its code takes part in Django's start.
        ManifestError: when the manifest is wrong now.
        PluginIncompatibleError: when it does not fit this site any more.
        PluginLoadError: when the code can't be compiled or imported.
        PluginError: when it could not start again; the old code goes on serving.
    """
    metadata, digest, plugin = _reloadable(runtime, get_row(plugin_id))
    schema = plugin.Config.model_json_schema()
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        check_change(PlanChange(ChangeKind.UPDATE, plugin_id, metadata))
        before = row.current_version
        row.current_version = store_version(row, metadata, schema, digest, plugin.config_version)
        _set_state(row, DesiredState.ACTIVE)
        touch(row, "current_version", *_FIELDS)
        changes = {"version": [before.version if before else None, metadata.version]}
        tell("reload", row, changes=changes, evidence={"digest": digest})
    raise_failure(runtime, row)


def _reloadable(runtime: PluginRuntime, row: InstalledPlugin) -> tuple[PluginMetadata, str, type[Plugin]]:
    """Judge what lies at the plugin's source now; return its manifest, digest and class."""
    if row.desired_state != DesiredState.ACTIVE:
        raise PluginStateError(f"{row.plugin_id} is not active, so there is nothing to reload. Activate it.")
    source = runtime.catalog.resolve(PluginSource(row.source), row.source_ref)
    metadata = source.manifest()
    if metadata.id != row.plugin_id:
        raise PluginLoadError(f"The source of {row.plugin_id} now holds {metadata.id}.")
    if metadata.requires_restart:
        raise PluginStateError(f"{row.plugin_id} takes part in Django's start. Restart the processes to load it anew.")
    check_core(metadata)
    code = source.load()
    code.unload()
    return metadata, code.digest, code.plugin_class


def _set_state(row: InstalledPlugin, wanted: DesiredState) -> dict[str, list[str]]:
    """Write the wish and clear the state, which the processes then find out; return what changed.

    A plugin that is wanted and works as wished is left alone.
    """
    settled = {DesiredState.ACTIVE: EffectiveState.ACTIVE, DesiredState.INACTIVE: EffectiveState.INSTALLED}
    if row.desired_state == wanted and row.effective_state == settled[wanted]:
        return {}
    changes = {"desired_state": [row.desired_state, wanted.value]}
    row.desired_state, row.effective_state = wanted, EffectiveState.INSTALLED
    row.state_code, row.state_reason, row.state_evidence = "", "", {}
    return changes
