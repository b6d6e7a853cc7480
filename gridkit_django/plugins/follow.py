"""Following: bring this process to what the database says, plugin by plugin, without ever stopping the site.

Only plugins whose revision moved are built anew. Each is built aside and swapped in when it stands; when it does not,
the old one goes on serving. Whatever a plugin does, the next one is looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from gridkit_django import __version__
from gridkit_django.exceptions import PluginError, PluginIncompatibleError
from gridkit_django.models import EffectiveState
from gridkit_django.plugins.compat import check_neighbours, start_order
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.local import Host
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.processes import ProcessRow
from gridkit_django.plugins.reports import Reporter, StateReport, VersionReport
from gridkit_django.plugins.spec import PluginSpec
from gridkit_django.plugins.starting import Starter, stop

logger = logging.getLogger("gridkit_django.plugins")


class Board(Host, Protocol):
    """The runtime's board of plugins at work."""

    def put(self, plugin_id: str, live: LivePlugin | None) -> None:
        """Swap a plugin in (or out, with None) and build the table anew."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a plugin does not run here in the revision that is wanted.

    Attributes:
        revision: the revision that was tried; it is not tried again.
        error: what went wrong.
    """

    revision: int
    error: PluginError


class Follower:
    """Compares and swaps. Called under the runtime's lock, one at a time.

    Args:
        board: holds the plugins at work.
        starter: builds plugins.
        reporter: writes what was seen.
        process: this process, for the evidence.
    """

    def __init__(self, board: Board, starter: Starter, reporter: Reporter, process: ProcessRow) -> None:
        self._board = board
        self._starter = starter
        self._reporter = reporter
        self._process = process
        self.failures: Mapping[str, Failure] = MappingProxyType({})

    def follow(self, specs: Mapping[str, PluginSpec], *, doubtful: bool) -> None:
        """Bring the plugins at work to what ``specs`` says.

        Args:
            specs: all installed plugins.
            doubtful: an earlier comparison may have seen a change that was rolled back, so the same revision does not
                mean the same content.
        """
        wanted = {key: spec for key, spec in specs.items() if spec.wanted and not _is_suspended(spec)}
        for plugin_id in [key for key in self._board.live if key not in wanted]:
            self._stop(plugin_id)
        self._forget_failures(wanted)
        moved = {key: spec for key, spec in wanted.items() if self._has_moved(spec, doubtful=doubtful)}
        manifests = self._manifests(moved)
        for plugin_id in start_order(manifests):
            self._renew(moved[plugin_id], manifests[plugin_id])

    def forget(self, plugin_id: str) -> None:
        """Try a plugin again at the next follow, whatever was seen before."""
        self.failures = MappingProxyType({key: item for key, item in self.failures.items() if key != plugin_id})

    def _has_moved(self, spec: PluginSpec, *, doubtful: bool) -> bool:
        failure = self.failures.get(spec.plugin_id)
        if failure is not None and failure.revision == spec.revision:
            # What does not fit is looked at each time: the missing peer may have come. No code runs for that.
            return isinstance(failure.error, PluginIncompatibleError)
        live = self._board.live.get(spec.plugin_id)
        if live is None or live.spec.revision != spec.revision:
            return True
        return doubtful and live.spec != spec

    def _manifests(self, moved: Mapping[str, PluginSpec]) -> dict[str, PluginMetadata]:
        """Read the manifests, without running code; what is wrong or held back is reported and left out."""
        found: dict[str, PluginMetadata] = {}
        for plugin_id, spec in moved.items():
            try:
                if not self._is_held_back(spec):
                    found[plugin_id] = self._starter.manifest(spec)
            except PluginError as error:
                self._failed(spec, error)
        return found

    def _is_held_back(self, spec: PluginSpec) -> bool:
        """Whether the plugin is in quarantine and nothing changed that could make it work.

        It leaves by another content of its code, another core, or an administrator, whose act clears the state.
        """
        if spec.effective_state is not EffectiveState.QUARANTINED:
            return False
        held = (spec.evidence.get("digest"), spec.evidence.get("core")) == (self._starter.digest(spec), __version__)
        if held:
            reason = str(spec.evidence.get("error", "it failed before"))
            self._remember(spec, PluginError(f"{spec.plugin_id} is in quarantine: {reason}"))
        return held

    def _renew(self, spec: PluginSpec, metadata: PluginMetadata) -> None:
        live = self._board.live.get(spec.plugin_id)
        if live is not None and _only_fewer_grants(live.spec, spec):
            _swap_grants(live, spec)
            return
        try:
            check_neighbours(metadata, [other.metadata for other in self._board.live.values()])
            new = self._starter.start(spec, metadata, live)
        except PluginError as error:
            self._failed(spec, error)
            return
        self._board.put(spec.plugin_id, new)
        if live is not None:
            stop(live, keep_code=live.code is new.code)
        self._succeeded(spec, new)

    def _stop(self, plugin_id: str) -> None:
        live = self._board.live[plugin_id]
        self._board.put(plugin_id, None)
        stop(live)

    def _succeeded(self, spec: PluginSpec, live: LivePlugin) -> None:
        if (live.metadata.version, live.code.digest) != (spec.version, spec.digest):
            schema = live.code.plugin_class.Config.model_json_schema()
            self._reporter.report(VersionReport(spec.plugin_id, live.metadata, schema, live.code.digest))
        if spec.effective_state is not EffectiveState.ACTIVE:
            evidence = self._evidence(spec)
            self._reporter.report(StateReport(spec.plugin_id, spec.revision, EffectiveState.ACTIVE, evidence=evidence))

    def _failed(self, spec: PluginSpec, error: PluginError) -> None:
        """Keep the old one serving, with the grants of now; without an old one, quarantine."""
        logger.warning("%s does not run here: %s", spec.plugin_id, error.detail, exc_info=error)
        self._remember(spec, error)
        live = self._board.live.get(spec.plugin_id)
        if live is not None:
            _swap_grants(live, spec, keep_spec=True)
        evidence = {**self._evidence(spec), "error": error.detail, "errors": [item.detail for item in error.errors]}
        state = _state_after(error, serving=live is not None)
        self._reporter.report(StateReport(spec.plugin_id, spec.revision, state, error.code, error.detail, evidence))

    def _evidence(self, spec: PluginSpec) -> dict[str, Any]:
        try:
            digest = self._starter.digest(spec)
        except PluginError:
            digest = ""
        return {**self._process.describe(), "core": __version__, "digest": digest, "revision": spec.revision}

    def _remember(self, spec: PluginSpec, error: PluginError) -> None:
        self.failures = MappingProxyType({**self.failures, spec.plugin_id: Failure(spec.revision, error)})

    def _forget_failures(self, wanted: Mapping[str, PluginSpec]) -> None:
        kept = {
            key: item for key, item in self.failures.items() if key in wanted and wanted[key].revision == item.revision
        }
        self.failures = MappingProxyType(kept)


def _is_suspended(spec: PluginSpec) -> bool:
    return spec.effective_state is EffectiveState.SUSPENDED


def _state_after(error: PluginError, *, serving: bool) -> EffectiveState:
    if serving:
        return EffectiveState.DEGRADED
    return EffectiveState.INCOMPATIBLE if isinstance(error, PluginIncompatibleError) else EffectiveState.QUARANTINED


def _only_fewer_grants(old: PluginSpec, new: PluginSpec) -> bool:
    """Whether nothing changed but that grants were taken away: that needs no code of the plugin, so it can't fail."""
    same = (old.version, old.digest, old.site_config, old.grid_configs, old.source_ref) == (
        new.version,
        new.digest,
        new.site_config,
        new.grid_configs,
        new.source_ref,
    )
    fewer = new.grants.granted <= old.grants.granted and new.grants.revoked >= old.grants.revoked
    return same and fewer and new.grants != old.grants


def _swap_grants(live: LivePlugin, spec: PluginSpec, *, keep_spec: bool = False) -> None:
    live.grants = spec.grants
    if not keep_spec:
        live.spec = spec
    if not live.grants.allows(Permission.FILES_WRITE):
        live.release_exporters()
