"""Installing and uninstalling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gridkit_django.exceptions import PluginStateError
from gridkit_django.models import (
    DesiredState,
    GrantDecision,
    InstalledPlugin,
    OutboxDeadLetter,
    OutboxMessage,
    PluginPermissionGrant,
)
from gridkit_django.plugins.activation import activate
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.catalog import frozen, full_ref, keep_source
from gridkit_django.plugins.change import author_of, changing, get_row, tell
from gridkit_django.plugins.compat import check_core
from gridkit_django.plugins.config_judging import first_layer
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.packages import forget_files
from gridkit_django.plugins.permissions import checked_grant
from gridkit_django.plugins.plan import ChangeKind, PlanChange
from gridkit_django.plugins.planning import check_change
from gridkit_django.plugins.remains import DataFate, bring_back, forget_remains, has_remains, keep_remains
from gridkit_django.plugins.reports import store_version
from gridkit_django.plugins.revisions import ConfigLayer, add_revision
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.sources import CodeSource, FilesSource, PluginCode
from gridkit_django.typing import User

ALL = "all"
"""Grant everything that the manifest asks for."""


@dataclass(frozen=True, slots=True)
class InstallRequest:
    """What is to be installed, and how.

    Attributes:
        source: ``kind:name``, a plugin id, a plugin given as an object or class, or its files.
        config: the configuration for all grids; None for the defaults.
        grants: ``ALL``, or the permissions and wildcards to grant.
        activate: whether to start it at once.
    """

    source: str | Plugin | type[Plugin] | FilesSource
    config: Mapping[str, Any] | None = None
    grants: str | Iterable[str] = ALL
    activate: bool = True


def install(runtime: PluginRuntime, request: InstallRequest, user: User | None) -> str:
    """Install a plugin; refused at the door, before any of its code runs, when it does not fit. Returns its id.

    Manifest, core version, neighbours and permissions are judged first. Then its code is loaded to check the
    configuration. Only then rows are written; the plugin starts after the commit.

    Raises:
        PluginNotFoundError: when there is no such source.
        ManifestError: when the manifest is wrong.
        PluginIncompatibleError: when it was made for another core, or (when it is to be active) a peer is missing or
            an active plugin conflicts.
        PluginStateError: when it is installed already.
        PluginPermissionError: when a grant names no permission.
        PluginLoadError: when its code can't be imported.
        PluginConfigError: when the configuration does not fit.
        PluginInitializeError: when it is installed but could not start; its state says why.
    """
    source = frozen(_source(runtime, request.source))
    metadata = source.manifest()
    grants = _judge(metadata, request)
    code = source.load()
    try:
        config = _judge_config(metadata, code, request)
        with changing(runtime, user):
            _store(source, metadata, code, config, grants, user)
    finally:
        code.unload()
    if request.activate:
        activate(runtime, metadata.id, user)
    return metadata.id


def uninstall(runtime: PluginRuntime, plugin_id: str, user: User | None, data: DataFate | str = DataFate.PURGE) -> None:
    """Remove a plugin with its grants, jobs, health results and all that it has in the outbox.

    Audit records stay; the one of this act says how much was never sent.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        user: who does it.
        data: whether configuration and storage are kept for a later installation, or go as well.

    Raises:
        PluginNotFoundError: when it is not installed.
        PluginStateError: when active plugins need it.
        ValueError: when there is no such fate of data.
    """
    data = DataFate(data)
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        check_change(PlanChange(ChangeKind.UNINSTALL, plugin_id))
        evidence = {"version": row.current_version.version if row.current_version else "", "source": row.source_ref}
        tell("uninstall", row, evidence={**evidence, "data": data.value, **_unsent(row)})
        if data is DataFate.KEEP:
            keep_remains(row)
        else:
            forget_remains(plugin_id)
        _delete(row)


def _source(runtime: PluginRuntime, given: str | Plugin | type[Plugin] | FilesSource) -> CodeSource:
    if isinstance(given, FilesSource):
        return given
    return runtime.catalog.find(given) if isinstance(given, str) else runtime.catalog.add_object(given)


def _judge(metadata: PluginMetadata, request: InstallRequest) -> tuple[str, ...]:
    """Refuse what does not fit, without running code; return the permissions to grant."""
    check_core(metadata)
    if InstalledPlugin.objects.filter(plugin_id=metadata.id).exists():
        raise PluginStateError(f"{metadata.id} is installed already. Uninstall it first, or reload it.")
    if request.activate:
        check_change(PlanChange(ChangeKind.INSTALL, metadata.id, metadata))
    if isinstance(request.grants, str):
        if request.grants != ALL:
            raise PluginStateError(f"grants is {request.grants!r}; give a list of permissions, or {ALL!r}.")
        return metadata.required_permissions
    return tuple(dict.fromkeys(checked_grant(name) for name in request.grants))


def _judge_config(metadata: PluginMetadata, code: PluginCode, request: InstallRequest) -> ConfigLayer:
    """Check the configuration; what was kept is judged at the start.

    Without one, a plugin that has no sensible defaults can be installed but not started.
    """
    check = bool(request.config) or (request.activate and not has_remains(metadata.id))
    return first_layer(code.plugin_class, metadata.id, request.config or {}, check=check)


def _store(
    source: CodeSource,
    metadata: PluginMetadata,
    code: PluginCode,
    config: ConfigLayer,
    grants: tuple[str, ...],
    user: User | None,
) -> None:
    author = author_of(user)
    row = InstalledPlugin.objects.create(
        plugin_id=metadata.id, source=source.kind, source_ref=source.ref, desired_state=DesiredState.INACTIVE
    )
    schema = code.plugin_class.Config.model_json_schema()
    versions = config.schema_version, code.plugin_class.storage_version
    row.current_version = store_version(row, metadata, schema, code.digest, *versions)
    row.save(update_fields=["current_version"])
    keep_source(source)
    if not bring_back(row, author) or config.data:
        add_revision(row, config, author)
    PluginPermissionGrant.objects.bulk_create(
        PluginPermissionGrant(plugin=row, permission=name, decision=GrantDecision.GRANTED, decided_by=author)
        for name in grants
    )
    evidence = {"version": metadata.version, "digest": code.digest, "source": full_ref(source), "grants": grants}
    tell("install", row, evidence=evidence, payload={"grants": list(grants)})


def _unsent(row: InstalledPlugin) -> dict[str, int]:
    """Return what of the plugin goes out of the outbox unsent, where there is something."""
    models = (("outboxMessages", OutboxMessage), ("outboxDeadLetters", OutboxDeadLetter))
    found = {name: model.objects.using(database()).filter(plugin=row).count() for name, model in models}
    return {name: number for name, number in found.items() if number}


def _delete(row: InstalledPlugin) -> None:
    """Delete a plugin's rows and kept files; the pointer to the version protects it, so it goes first."""
    row.current_version = None
    row.save(update_fields=["current_version"])
    forget_files(row.versions.values_list("digest", flat=True))
    row.delete()
