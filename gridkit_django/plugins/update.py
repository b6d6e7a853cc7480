"""Updating and rolling back: another version of an installed plugin takes the place of the one in use.

The other version is judged and loaded aside first. When it can't start, the version before it is put back, so that a
process that starts later does not stumble over it either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from gridkit_django.events import EventSource, acting
from gridkit_django.exceptions import PluginError, PluginInitializeError, PluginStateError, PluginVersionError
from gridkit_django.models import DesiredState, GrantDecision, InstalledPlugin, PluginPermissionGrant, PluginSource
from gridkit_django.models import PluginVersion as StoredVersion
from gridkit_django.plugins.catalog import frozen, keep_source
from gridkit_django.plugins.change import (
    acting_as,
    author_of,
    changing,
    get_row,
    tell,
    touch,
    try_again,
    unridden,
)
from gridkit_django.plugins.compat import check_core
from gridkit_django.plugins.config import checked_config, site_values
from gridkit_django.plugins.config_migration import fitted
from gridkit_django.plugins.configuration import for_version
from gridkit_django.plugins.consent import check_same_plugin, consent_error, undecided
from gridkit_django.plugins.good_states import require_known_good, restore_state
from gridkit_django.plugins.grant_history import remember_grants, restore_grants
from gridkit_django.plugins.known_good import GoodState
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.packages import kept_among, prune, require_kept
from gridkit_django.plugins.pending import note_pending, refuse_pending
from gridkit_django.plugins.permissions import checked_grant, covers
from gridkit_django.plugins.pins import OURS, check_not_pinned
from gridkit_django.plugins.plan import ChangeKind, PlanChange
from gridkit_django.plugins.planning import check_change
from gridkit_django.plugins.reports import RUNTIME, store_version
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.sources import CodeSource, FilesSource, PluginCode
from gridkit_django.plugins.spec import load_spec
from gridkit_django.plugins.storage_copies import bring_storage, move_storage
from gridkit_django.typing import User


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A version that may take the place of the one in use.

    Attributes:
        source: its files, frozen.
        metadata: its manifest.
        pinned: whether it must be held against what lies at the plugin's source.
        earlier: the version that is brought back, when this is a roll back.
        good: the state that configurations and permissions go back to, when it is not that of the version's time.
    """

    source: CodeSource
    metadata: PluginMetadata
    pinned: bool
    earlier: StoredVersion | None = None
    good: GoodState | None = None


def update(
    runtime: PluginRuntime, plugin_id: str, version: str | None, grants: Iterable[str], user: User | None
) -> None:
    """Put what lies at the plugin's source, or a kept version, in the place of the version in use.

    What asks for permissions that nobody decided about is written down as waiting, and the old version runs on. A
    version that can't start is taken back at once; it does not run by itself before its content changes.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        version: a version number; None for what lies at the source. One that is only kept is pinned.
        grants: permissions and wildcards to grant with it.
        user: who does it.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        PluginPinnedError: when it is pinned.
        PluginVersionError: when there is no such version, or its files are not kept.
        PluginConsentError: when it asks for more; ``extra["permissions"]`` lists what nobody decided about.
        PluginIncompatibleError: when it was made for another core, a peer is missing or an active plugin conflicts.
        PluginStateError: when its code takes part in Django's start.
        PluginPermissionError: when a grant names no permission.
        PluginConfigError: when the configuration does not fit it.
        StorageMigrationError: when what the plugin stored can't be made to fit it; that is unchanged.
        PluginError: when it could not be loaded or started.
    """
    row = get_row(plugin_id)
    check_not_pinned(row)
    _update(runtime, row, _newer(runtime, row, version), grants, user)


def update_to(
    runtime: PluginRuntime, plugin_id: str, source: CodeSource, grants: Iterable[str], user: User | None
) -> None:
    """Put a version whose files are at hand in the place of the one in use. Otherwise like ``update``.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        source: the files of the version.
        grants: permissions and wildcards to grant with it.
        user: who does it.
    """
    row = get_row(plugin_id)
    check_not_pinned(row)
    _update(runtime, row, _Candidate(source, source.manifest(), pinned=False), grants, user)


def _update(
    runtime: PluginRuntime, row: InstalledPlugin, candidate: _Candidate, grants: Iterable[str], user: User | None
) -> None:
    plugin_id = row.plugin_id
    wanted = tuple(dict.fromkeys(checked_grant(name) for name in grants))
    _judge(row, candidate)
    asked = undecided(row, candidate.metadata.required_permissions)
    missing = [name for name in asked if not any(covers(pattern, name) for pattern in wanted)]
    if missing and candidate.source.kind in OURS:
        with acting_as(user):
            note_pending(plugin_id, candidate.source, candidate.metadata, missing)
        raise consent_error(candidate.metadata, missing)
    if wanted or row.pending_version_id or not _is_in_use(row, candidate):
        _take(runtime, row, candidate, wanted, user)


def roll_back(runtime: PluginRuntime, plugin_id: str, version: str | None, user: User | None) -> None:
    """Bring an earlier version back, and hold it, whatever lies at the plugin's source.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        version: a version number; None for the one that was in use before.
        user: who does it.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        PluginStateError: when its code is not the runtime's to choose: an installed package, or given in code.
        PluginVersionError: when there is no such version, or its files are not kept.
        PluginIncompatibleError: when it does not fit this site any more.
        PluginError: when it could not be loaded or started; the version in use stays.
    """
    row = get_row(plugin_id)
    if row.source not in OURS:
        raise PluginStateError(_not_ours(row))
    stored = _earlier(row, version)
    source = _kept(runtime, row, stored)
    candidate = _Candidate(source, source.manifest(), pinned=True, earlier=stored)
    _judge(row, candidate)
    _take(runtime, row, candidate, (), user)


def go_back(runtime: PluginRuntime, plugin_id: str, user: User | None) -> None:
    """Bring the last known good state back: version, configurations and permissions together.

    What was revoked since stays revoked. Another version than the one in use is pinned.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        user: who does it.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        PluginVersionError: when none was noted, or its files are not kept.
        PluginIncompatibleError: when it does not fit this site any more.
        PluginError: when it could not be loaded or started; the version in use stays.
    """
    row = get_row(plugin_id)
    good = require_known_good(plugin_id)
    source = _kept(runtime, row, good.version)
    pinned = row.pinned or good.version.pk != row.current_version_id
    candidate = _Candidate(source, source.manifest(), pinned=pinned, earlier=good.version, good=good)
    _judge(row, candidate)
    _take(runtime, row, candidate, (), user)


def refuse(plugin_id: str, user: User | None) -> None:
    """Refuse the version that waits for consent. See ``pending.refuse_pending``."""
    with acting_as(user):
        refuse_pending(plugin_id)


def _newer(runtime: PluginRuntime, row: InstalledPlugin, version: str | None) -> _Candidate:
    """Find what an update takes: the source when it is wanted or holds that version, else kept files."""
    try:
        found = frozen(runtime.catalog.resolve(PluginSource(row.source), row.source_ref))
        metadata = found.manifest()
    except PluginError:
        if version is None:
            raise
    else:
        if version in (None, metadata.version):
            return _Candidate(found, metadata, pinned=False)
    if row.source not in OURS:
        raise PluginVersionError(f"{row.plugin_id} {version} is not there. {_not_ours(row)}")
    stored = row.versions.filter(version=version).order_by("-pk").first()
    if stored is None:
        raise PluginVersionError(_unknown_version(row, str(version)))
    source = _kept(runtime, row, stored)
    return _Candidate(source, source.manifest(), pinned=True)


def _kept(runtime: PluginRuntime, row: InstalledPlugin, stored: StoredVersion) -> FilesSource:
    return runtime.catalog.kept(row.source_ref, require_kept(stored, row.source_ref), PluginSource(row.source))


def _earlier(row: InstalledPlugin, version: str | None) -> StoredVersion:
    """Find what a roll back takes: a version that was in use."""
    used = row.versions.filter(installed_at__isnull=False).exclude(pk=row.current_version_id or 0)
    used = used.order_by("-installed_at", "-pk")
    if version is not None:
        found = used.filter(version=version).first()
    else:
        now = row.current_version
        used = used.filter(refused_at__isnull=True)
        found = used.filter(installed_at__lte=now.installed_at).first() if now and now.installed_at else used.first()
    if found is None:
        raise PluginVersionError(_unknown_version(row, version or "an earlier version"))
    return found


def _judge(row: InstalledPlugin, candidate: _Candidate) -> None:
    """Refuse what does not fit, without running code."""
    metadata = candidate.metadata
    check_same_plugin(row.plugin_id, metadata)
    check_core(metadata)
    if metadata.requires_restart:
        raise PluginStateError(
            f"{row.plugin_id} takes part in Django's start. Decide about what it asks for, then restart the processes."
        )
    if row.desired_state == DesiredState.ACTIVE:
        check_change(PlanChange(ChangeKind.UPDATE, row.plugin_id, metadata))


def _is_in_use(row: InstalledPlugin, candidate: _Candidate) -> bool:
    version = row.current_version
    return version is not None and version.digest == candidate.source.digest()


def _take(
    runtime: PluginRuntime, row: InstalledPlugin, candidate: _Candidate, grants: tuple[str, ...], user: User | None
) -> None:
    """Swap the version, after its code has judged the configuration; put the old one back when it can't start."""
    code = runtime.catalog.load(candidate.source)
    with runtime.catalog.offering(code):
        spec = load_spec(row)
        spec, _ = fitted(spec.with_layers(candidate.good.layers) if candidate.good else spec, code.plugin_class)
        checked_config(code.plugin_class, row.plugin_id, site_values(spec))
        with changing(runtime, user):
            row = get_row(row.plugin_id, lock=True)
            if candidate.earlier is None:
                check_not_pinned(row)
            before, was_pinned = row.current_version, row.pinned
            move_storage(row, code, candidate.metadata.resource_limits.max_storage_mb)
            remember_grants(row)
            _grant(row, grants, user)
            row.current_version = candidate.earlier or _stored(row, candidate.metadata, code)
            if candidate.good is not None:
                restore_state(row, candidate.good, user)
            elif candidate.earlier is not None:
                for_version(row, candidate.earlier, user)
                restore_grants(row, candidate.earlier, user)
            row.pin_note = _note(row, candidate, before)
            row.pinned, row.pending_version = candidate.pinned, None
            keep_source(candidate.source)
            touch(row, "current_version", "pinned", "pin_note", "pending_version", *try_again(row))
            prune(row)
            _tell("rollback" if candidate.earlier else "update", row, before, was_pinned)
    _settle(runtime, row, before, was_pinned)


def settle(runtime: PluginRuntime, plugin_id: str, before: int | None, *, was_pinned: bool, since: datetime) -> None:
    """Do what is left of a swap whose process was killed after it: look whether the version starts, or put it back.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        before: primary key of the version that was in use, None for none.
        was_pinned: whether that one was pinned.
        since: when the swap was begun at the earliest. A version that was put back since then was put back by it.

    Raises:
        PluginError: why the new version can't start; the one before is in use again.
    """
    runtime.follow()
    row = get_row(plugin_id)
    if row.current_version_id != before:
        _settle(runtime, row, row.versions.filter(pk=before or 0).first(), was_pinned)
        return
    bad = row.versions.filter(refused_at__gte=since).exclude(pk=before or 0).order_by("refused_at").last()
    if bad is not None:
        raise PluginInitializeError(
            f"{plugin_id} {bad.version} could not start, so the version before it is in use again. The audit record of "
            "that says why."
        )


def _settle(runtime: PluginRuntime, row: InstalledPlugin, before: StoredVersion | None, was_pinned: bool) -> None:
    error = runtime.failure_of(row.plugin_id, row.revision)
    if error is not None:
        if before is not None and before.pk != row.current_version_id and kept_among([before.digest]):
            _put_back(runtime, row, before, was_pinned, error)
        raise error


def _note(row: InstalledPlugin, candidate: _Candidate, before: StoredVersion | None) -> str:
    """Return why the version will be pinned: what a person wrote stays."""
    if not candidate.pinned or row.pin_note:
        return row.pin_note if candidate.pinned else ""
    if candidate.earlier is not None:
        return f"Rolled back from {before.version if before else '?'}."
    return f"The version {candidate.metadata.version} was asked for."


def _stored(row: InstalledPlugin, metadata: PluginMetadata, code: PluginCode) -> StoredVersion:
    plugin = code.plugin_class
    versions = plugin.config_version, plugin.storage_version
    return store_version(row, metadata, plugin.Config.model_json_schema(), code.digest, *versions)


def _grant(row: InstalledPlugin, grants: Iterable[str], user: User | None) -> None:
    for name in grants:
        PluginPermissionGrant.objects.update_or_create(
            plugin=row,
            permission=name,
            defaults={"decision": GrantDecision.GRANTED, "decided_by": author_of(user)},
        )
        tell("grant", row, changes={name: [None, GrantDecision.GRANTED.value]}, payload={"permission": name})


def _tell(verb: str, row: InstalledPlugin, before: StoredVersion | None, was_pinned: bool) -> None:
    after = row.current_version
    changes: dict[str, list[Any]] = {
        "version": [before.version if before else None, after.version if after else None],
        "pinned": [was_pinned, row.pinned],
    }
    tell(verb, row, changes=changes, evidence={"digest": after.digest if after else ""})


def _put_back(
    runtime: PluginRuntime, failed: InstalledPlugin, before: StoredVersion, was_pinned: bool, error: PluginError
) -> None:
    """Make the version before the one in use again, unless somebody was quicker with another change."""
    with unridden(), acting(RUNTIME, EventSource.SYSTEM), changing(runtime, None):
        row = get_row(failed.plugin_id, lock=True)
        if row.revision != failed.revision or row.current_version is None:
            return
        bad = row.current_version
        _refuse(bad)
        reason = f"{bad.version} could not start: {error.detail}"
        _bring_back(row, before, was_pinned, {"code": error.code, "reason": reason, **error.extra})


def take_back(
    runtime: PluginRuntime, plugin_id: str, swapped: Mapping[str, Any], evidence: Mapping[str, Any]
) -> str | None:
    """Undo a swap that nobody could bring to its end: code, configuration, permissions and storage of before.

    Nothing is held against the version that was swapped in, as it may not be to blame. But what lies in a folder would
    be taken again at once, so that is refused until somebody updates to it or it changes.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        swapped: ``before``, the primary key of the version of before; whether that was ``pinned``; the ``revision`` of
            the plugin since the swap.
        evidence: why, for the audit record.

    Returns:
        The number of the version that is in use again; None when somebody changed the plugin meanwhile, or put the
        version back already.

    Raises:
        PluginNotFoundError: when it is not installed any more.
        PluginVersionError: when the files of before are not kept.
        StorageVersionError: when no copy of the storage of before was set aside.
    """
    with unridden(), acting(RUNTIME, EventSource.SYSTEM), changing(runtime, None):
        row = get_row(plugin_id, lock=True)
        before = row.versions.filter(pk=swapped.get("before") or 0).first()
        if before is None or row.current_version_id == before.pk or row.revision != swapped.get("revision"):
            return None
        require_kept(before, row.source_ref)
        if row.current_version is not None and row.source == PluginSource.FOLDER and not row.pinned:
            _refuse(row.current_version)
        _bring_back(row, before, bool(swapped.get("pinned")), evidence)
        return before.version


def _refuse(version: StoredVersion) -> None:
    version.refused_at = timezone.now()
    version.save(update_fields=["refused_at"])


def _bring_back(row: InstalledPlugin, before: StoredVersion, was_pinned: bool, evidence: Mapping[str, Any]) -> None:
    left = row.current_version
    bring_storage(row, before.storage_version)
    row.current_version, row.pinned = before, was_pinned
    row.pin_note = row.pin_note if was_pinned else ""
    for_version(row, before, None)
    restore_grants(row, before, None)
    touch(row, "current_version", "pinned", "pin_note", *try_again(row))
    changes = {"version": [left.version if left else None, before.version]}
    tell("rollback", row, changes=changes, evidence=evidence)


def _unknown_version(row: InstalledPlugin, version: str) -> str:
    kept = row.versions.exclude(pk=row.current_version_id or 0).order_by("-pk").values_list("version", flat=True)
    names = ", ".join(dict.fromkeys(kept)) or "none"
    return f"{row.plugin_id} has no {version} to go to. Other versions that this site knows: {names}."


def _not_ours(row: InstalledPlugin) -> str:
    if row.source == PluginSource.ENTRY_POINT:
        return (
            f"{row.plugin_id} comes from an installed package: install the version that you want with pip, and restart "
            "the processes."
        )
    return f"{row.plugin_id} is given in code: deploy the version that you want."
