"""What the system says about a plugin's state: written beside the administrator's wish, never over it (house rule 7).

A report is written at once. When that happens inside somebody's transaction, which may yet be rolled back, it is kept
and written again at the end of the request or task; a report that is already true changes nothing.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeAlias

from django.db import transaction
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.events import Actor, EventSource, acting, event_bus, make_event
from gridkit_django.models import DesiredState, EffectiveState, InstalledPlugin, PluginVersion
from gridkit_django.plugins.config import stored_secrets
from gridkit_django.plugins.generation import GenerationStore
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.revisions import ConfigLayer, add_revision, newest_layers
from gridkit_django.plugins.savepoints import database, in_transaction
from gridkit_django.plugins.secret_values import facts_without_secrets, without_secrets
from gridkit_django.plugins.states import may_be_seen

logger = logging.getLogger("gridkit_django.plugins")

_PENDING_MAX = 100

RUNTIME = Actor.system("runtime")

_ACTIONS = MappingProxyType(
    {
        EffectiveState.DEGRADED: "plugin.degrade",
        EffectiveState.SUSPENDED: "plugin.suspend",
        EffectiveState.QUARANTINED: "plugin.quarantine",
        EffectiveState.INCOMPATIBLE: "plugin.incompatible",
        EffectiveState.ERROR: "plugin.error",
    }
)


@dataclass(frozen=True, slots=True)
class StateReport:
    """What a process saw.

    Attributes:
        plugin_id: which plugin.
        revision: of which revision this is true; a plugin that was changed since is left alone.
        state: what is the case.
        code: stable reason code, empty when all is well.
        reason: the reason in one sentence.
        evidence: plain facts that support it.
        replaces: the only reason code that this report may take the place of; empty for any. Who reports that a
            trouble is over names the trouble here, so that it does not hide another one.
        renews: whether it is news even when state and code are stored already, because the evidence counts.
    """

    plugin_id: str
    revision: int
    state: EffectiveState
    code: str = ""
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    replaces: str = ""
    renews: bool = False


@dataclass(frozen=True, slots=True)
class VersionReport:
    """Another version was found at the plugin's source and is at work.

    Attributes:
        plugin_id: which plugin.
        metadata: its manifest.
        schema: JSON Schema of its configuration.
        digest: content digest of the code.
        config_version: version of that schema.
        storage_version: version of what the code stores.
    """

    plugin_id: str
    metadata: PluginMetadata
    schema: Mapping[str, Any]
    digest: str
    config_version: int = 1
    storage_version: int = 1


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """Stored configurations were made to fit the code that is at work now.

    Attributes:
        plugin_id: which plugin.
        layers: what they are now; each names the revision that it was made of.
    """

    plugin_id: str
    layers: tuple[ConfigLayer, ...]


@dataclass(frozen=True, slots=True)
class NoteReport:
    """Something that went wrong, or was put right, beside the states: written as an audit record, once.

    Attributes:
        plugin_id: which plugin.
        action: ``plugin.`` and a verb.
        reason: what happened, in one sentence.
        evidence: plain facts that support it.
    """

    plugin_id: str
    action: str
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


Report: TypeAlias = StateReport | VersionReport | ConfigReport | NoteReport


class Reporter:
    """Writes reports.

    Args:
        generations: raised when a report is something that all processes must follow (a suspension).
    """

    def __init__(self, generations: GenerationStore) -> None:
        self._generations = generations
        # Threads add and take side by side; a deque does both in one step, and needs no lock that a fork could break.
        self._pending: deque[Report] = deque(maxlen=_PENDING_MAX)

    def report(self, report: Report) -> None:
        """Write a report; a failure to do so is logged, and tried again at the end of the request or task."""
        if isinstance(report, StateReport) and not report.replaces:
            self._pending = deque((item for item in self._pending if not _is_outdated(item, report)), _PENDING_MAX)
        later = isinstance(report, NoteReport) and in_transaction()  # the others, written twice, say the same
        if later or not self._write(report) or in_transaction():
            self._pending.append(report)

    def flush(self) -> None:
        """Write again what was reported inside transactions, or could not be written; keep what still can't."""
        for _ in range(len(self._pending)):
            try:
                report = self._pending.popleft()
            except IndexError:  # another thread took the rest
                return
            if not self._write(report):
                self._pending.append(report)

    def _write(self, report: Report) -> bool:
        try:
            with acting(RUNTIME, EventSource.SYSTEM), transaction.atomic(using=database()):
                if isinstance(report, StateReport):
                    self._write_state(report)
                elif isinstance(report, VersionReport):
                    _write_version(report)
                elif isinstance(report, NoteReport):
                    secrets = stored_secrets(report.plugin_id)
                    evidence = facts_without_secrets({**report.evidence, "reason": report.reason}, secrets)
                    record(report.action, target=Target.plugin(report.plugin_id), evidence=evidence)
                else:
                    _write_configs(report)
        except Exception:  # what the database or a handler of plugin events raises; logged, and tried again
            logger.exception("The state of %s could not be written", report.plugin_id)
            return False
        return True

    def _write_state(self, report: StateReport) -> None:
        suspends = report.state is EffectiveState.SUSPENDED
        if suspends:
            self._generations.bump()
        row = InstalledPlugin.objects.select_for_update().filter(plugin_id=report.plugin_id).first()
        if row is None or not _is_news(row, report):
            return
        report = _without_secrets(report)
        before, was = row.effective_state, {"code": row.state_code, "reason": row.state_reason}
        row.effective_state, row.state_code = report.state, report.code
        row.state_reason, row.state_evidence = report.reason, dict(report.evidence) if report.code else {}
        row.revision += suspends
        row.save(
            update_fields=["effective_state", "state_code", "state_reason", "state_evidence", "revision", "changed_at"]
        )
        _record_state(report, before, was)


def _without_secrets(report: StateReport) -> StateReport:
    """Take the secrets of the configuration out of what is to be stored: words of the plugin's errors are in it."""
    if not report.code:
        return report
    secrets = stored_secrets(report.plugin_id)
    evidence = facts_without_secrets(report.evidence, secrets)
    return replace(report, reason=without_secrets(report.reason, secrets), evidence=evidence)


def _is_outdated(pending: Report, news: StateReport) -> bool:
    """Whether a report that waits to be written (again) would only undo what is known by now; never a suspension."""
    if not isinstance(pending, StateReport) or pending.plugin_id != news.plugin_id:
        return False
    return pending.state is not EffectiveState.SUSPENDED


def _is_news(row: InstalledPlugin, report: StateReport) -> bool:
    """Whether the report says something new about the plugin as it is wanted now, and may say it."""
    if row.revision != report.revision or row.desired_state != DesiredState.ACTIVE:
        return False
    if report.replaces and row.state_code != report.replaces:
        return False
    if not report.renews and (row.effective_state, row.state_code) == (report.state, report.code):
        return False
    if may_be_seen(EffectiveState(row.effective_state), report.state) and not _would_end_quarantine(row, report):
        return True
    logger.info("%s stays %s; another process saw %s", row.plugin_id, row.effective_state, report.state)
    return False


def _would_end_quarantine(row: InstalledPlugin, report: StateReport) -> bool:
    """Whether the report would let a plugin out of quarantine though its code and the core are the same.

    Another process may run it well: then it goes on there, but nobody starts it anew before an administrator says so.
    """
    if row.effective_state != EffectiveState.QUARANTINED or "digest" not in report.evidence:
        return False
    if report.state in {EffectiveState.QUARANTINED, EffectiveState.SUSPENDED}:
        return False
    return all(report.evidence.get(key) == row.state_evidence.get(key) for key in ("digest", "core"))


def _record_state(report: StateReport, before: str, was: Mapping[str, str]) -> None:
    """Record a change of state; that an activated plugin is active is no news of its own."""
    if report.state is EffectiveState.ACTIVE and before == EffectiveState.INSTALLED:
        return
    action = _ACTIONS.get(report.state, "plugin.recover")
    evidence = {**report.evidence, "code": report.code, "reason": report.reason}
    if report.state is EffectiveState.ACTIVE:
        evidence |= {"reason": report.reason or f"This is over: {was['reason']}", "was": was["code"]}
    changes = {"effective_state": [before, report.state.value]}
    record(action, target=Target.plugin(report.plugin_id), changes=changes, evidence=evidence)
    if report.state is not EffectiveState.ACTIVE:
        payload = {
            "pluginId": report.plugin_id,
            "state": report.state.value,
            "code": report.code,
            "reason": report.reason,
        }
        event_bus().open(make_event("plugin:fail", payload)).after()


def _write_version(report: VersionReport) -> None:
    row = InstalledPlugin.objects.select_related("current_version").filter(plugin_id=report.plugin_id).first()
    if row is None:
        return
    before = row.current_version
    after = store_version(
        row, report.metadata, report.schema, report.digest, report.config_version, report.storage_version
    )
    if before == after:
        return
    row.current_version = after
    row.pending_version = None if row.pending_version_id == after.pk else row.pending_version
    row.save(update_fields=["current_version", "pending_version", "changed_at"])
    changes = {"version": [before.version if before else None, after.version]}
    evidence = {"digest": report.digest, "reason": "Other content was found at its source, and it runs."}
    record("plugin.update", target=Target.plugin(report.plugin_id), changes=changes, evidence=evidence)
    payload = {"pluginId": report.plugin_id, "version": after.version}
    event_bus().open(make_event("plugin:update", payload)).after()


def _write_configs(report: ConfigReport) -> None:
    """Store fitted configurations, each once: whoever comes second finds another revision in force."""
    row = InstalledPlugin.objects.select_for_update().filter(plugin_id=report.plugin_id).first()
    layers = newest_layers(plugin=row).get(row.pk, {}) if row is not None else {}
    for layer in report.layers:
        before = layers.get(layer.grid)
        if row is None or before is None or before.revision != layer.revision:
            continue
        revision = add_revision(row, layer, None, _note(before, layer))
        aside = sorted(set(layer.aside) - set(before.aside))
        evidence = {
            "grid": layer.grid,
            "revision": revision,
            "from": {"revision": before.revision, "schemaVersion": before.schema_version},
            "schemaVersion": layer.schema_version,
            "aside": aside,
        }
        record("plugin.migrate_config", target=Target.plugin(row.plugin_id), evidence=evidence)


def _note(before: ConfigLayer, after: ConfigLayer) -> str:
    if before.schema_version != after.schema_version:
        return f"From schema version {before.schema_version} to {after.schema_version}"
    return "Keys set aside or taken back"


def store_version(
    row: InstalledPlugin,
    metadata: PluginMetadata,
    schema: Mapping[str, Any],
    digest: str,
    config_version: int = 1,
    storage_version: int = 1,
) -> PluginVersion:
    """Return the version row with this content, which comes into use now, writing it when there is none.

    Args:
        row: the plugin.
        metadata: its manifest.
        schema: JSON Schema of its configuration.
        digest: content digest of the code.
        config_version: version of that schema.
        storage_version: version of what the code stores.
    """
    facts: dict[str, Any] = {
        "config_schema": dict(schema),
        "config_version": config_version,
        "storage_version": storage_version,
    }
    version, created = PluginVersion.objects.get_or_create(
        plugin=row,
        version=metadata.version,
        digest=digest,
        defaults={"manifest": metadata.as_dict(), **facts},
    )
    if not created and version.pk != row.current_version_id:
        version.config_schema, version.config_version = facts["config_schema"], config_version
        version.storage_version = storage_version
        version.installed_at, version.refused_at = timezone.now(), None
        version.save(update_fields=[*facts, "installed_at", "refused_at"])
    return version
