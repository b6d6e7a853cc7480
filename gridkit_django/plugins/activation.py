"""Switching plugins on and off, and loading them anew."""

from __future__ import annotations

from gridkit_django.exceptions import PluginStateError
from gridkit_django.models import DesiredState, EffectiveState, InstalledPlugin, PluginSource
from gridkit_django.plugins.catalog import frozen, keep_source
from gridkit_django.plugins.change import (
    STATE_FIELDS,
    acting_as,
    changing,
    get_row,
    raise_failure,
    stored_metadata,
    tell,
    touch,
)
from gridkit_django.plugins.compat import check_core
from gridkit_django.plugins.consent import check_same_plugin, consent_error, undecided
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.packages import prune
from gridkit_django.plugins.pending import note_pending
from gridkit_django.plugins.plan import ChangeKind, PlanChange
from gridkit_django.plugins.planning import check_change
from gridkit_django.plugins.reports import store_version
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.sources import CodeSource, PluginCode
from gridkit_django.plugins.spec import load_spec
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

    A pinned plugin is loaded anew from the files of its version that were kept.

    Raises:
        PluginNotFoundError: when it is not installed.
        PluginStateError: when it is not active, or its code takes part in Django's start.
        ManifestError: when the manifest is wrong now.
        PluginIncompatibleError: when it does not fit this site any more.
        PluginConsentError: when it asks for more than the version in use; it waits, and the old code goes on serving.
        PluginLoadError: when the code can't be compiled or imported.
        PluginError: when it could not start again; the old code goes on serving.
    """
    row = get_row(plugin_id)
    source = _reloadable(runtime, row)
    metadata = source.manifest()
    missing = undecided(row, metadata.required_permissions)
    if missing and source.kind is PluginSource.FOLDER:
        with acting_as(user):
            note_pending(plugin_id, source, metadata, missing)
        raise consent_error(metadata, missing)
    code = source.load()
    with runtime.catalog.offering(code):
        with changing(runtime, user):
            row = get_row(plugin_id, lock=True)
            check_change(PlanChange(ChangeKind.UPDATE, plugin_id, metadata))
            _store_reloaded(row, source, metadata, code)
        raise_failure(runtime, row)


def _reloadable(runtime: PluginRuntime, row: InstalledPlugin) -> CodeSource:
    """Judge what is to be loaded anew, without running code: what lies at the source, or the pinned version."""
    if row.desired_state != DesiredState.ACTIVE:
        raise PluginStateError(f"{row.plugin_id} is not active, so there is nothing to reload. Activate it.")
    catalog = runtime.catalog
    source = (
        catalog.choose(load_spec(row))
        if row.pinned or row.source == PluginSource.MARKETPLACE
        else frozen(catalog.resolve(PluginSource(row.source), row.source_ref))
    )
    metadata = source.manifest()
    check_same_plugin(row.plugin_id, metadata)
    if metadata.requires_restart:
        raise PluginStateError(f"{row.plugin_id} takes part in Django's start. Restart the processes to load it anew.")
    check_core(metadata)
    return source


def _store_reloaded(row: InstalledPlugin, source: CodeSource, metadata: PluginMetadata, code: PluginCode) -> None:
    before = row.current_version
    plugin = code.plugin_class
    schema, versions = plugin.Config.model_json_schema(), (plugin.config_version, plugin.storage_version)
    row.current_version = store_version(row, metadata, schema, code.digest, *versions)
    row.pending_version = None
    keep_source(source)
    _set_state(row, DesiredState.ACTIVE)
    touch(row, "current_version", "pending_version", *_FIELDS)
    prune(row)
    changes = {"version": [before.version if before else None, metadata.version]}
    tell("reload", row, changes=changes, evidence={"digest": code.digest})


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
