"""Following: bring this process to what the database says, plugin by plugin, without ever stopping the site.

Only plugins whose revision moved are built anew. Each is built aside and swapped in when it stands; when it does not,
the old one goes on serving. Whatever a plugin does, the next one is looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from django.utils import timezone

from gridkit_django import __version__
from gridkit_django.exceptions import PluginCrashError, PluginError, PluginIncompatibleError
from gridkit_django.models import EffectiveState
from gridkit_django.plugins.compat import check_neighbours, misfit
from gridkit_django.plugins.crashes import FIRST_HOLD_SECONDS, held_until
from gridkit_django.plugins.known_good import known_good_spec
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.local import Host
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.plan import Plan, PlannedPlugin, make_plan
from gridkit_django.plugins.processes import ProcessRow
from gridkit_django.plugins.reports import ConfigReport, Reporter, StateReport, VersionReport
from gridkit_django.plugins.retry import Failures, is_passing
from gridkit_django.plugins.spec import PluginSpec
from gridkit_django.plugins.starting import Starter
from gridkit_django.plugins.trials import Trials

logger = logging.getLogger("gridkit_django.plugins")


class Board(Host, Protocol):
    """The runtime's board of plugins at work."""

    def put(self, plugin_id: str, live: LivePlugin | None) -> None:
        """Swap a plugin in (or out, with None) and build the table anew."""
        ...


class Follower:
    """Compares and swaps. Called under the runtime's lock, one at a time.

    Args:
        board: holds the plugins at work.
        starter: builds plugins.
        reporter: writes what was seen.
        process: this process, for the evidence.
        trials: which versions this process tries before the others do.
    """

    def __init__(self, board: Board, starter: Starter, reporter: Reporter, process: ProcessRow, trials: Trials) -> None:
        self._board = board
        self._starter = starter
        self._reporter = reporter
        self._process = process
        self._trials = trials
        self.failures = Failures()

    def follow(
        self,
        specs: Mapping[str, PluginSpec],
        *,
        doubtful: bool,
        killers: Mapping[str, PluginError] = MappingProxyType({}),
    ) -> None:
        """Bring the plugins at work to what ``specs`` says.

        Args:
            specs: all installed plugins.
            doubtful: an earlier comparison may have seen a change that was rolled back, so the same revision does not
                mean the same content.
            killers: plugins that are not started now, because a process died while they did, with the reason.
        """
        wanted = {key: spec for key, spec in specs.items() if spec.wanted and not _is_suspended(spec)}
        for plugin_id in [key for key in reversed(list(self._board.live)) if key not in wanted]:
            self._stop(plugin_id)
        self.failures.keep({key: spec.revision for key, spec in wanted.items()})
        for key in killers.keys() & wanted.keys() - self._board.live.keys():
            self.failures.remember(key, wanted[key].revision, killers[key], wait=FIRST_HOLD_SECONDS)
        moved = {key: spec for key, spec in wanted.items() if self._has_moved(spec, doubtful=doubtful)}
        with self._starter.one_look():
            manifests = self._manifests(moved)
            plan = self._plan(specs, manifests)
            for plugin_id in plan.order:
                if plugin_id in manifests:
                    self._renew(moved[plugin_id], manifests[plugin_id])
        if manifests.keys() - self._board.live.keys():
            self._plan(specs, {})  # who needs one that could not start stops too
        self._trials.begin(specs)

    def forget(self, plugin_id: str) -> None:
        """Try a plugin again at the next follow, whatever was seen before."""
        self.failures.forget(plugin_id)

    def _has_moved(self, spec: PluginSpec, *, doubtful: bool) -> bool:
        failure = self.failures.get(spec.plugin_id, spec.revision)
        if failure is not None:
            return not self.failures.is_held(spec.plugin_id, spec.revision)
        live = self._board.live.get(spec.plugin_id)
        if live is None or live.spec.revision != spec.revision or self._trials.is_over(live):
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
        """Whether every process leaves the plugin out for now; what serves already goes on, with the grants of now."""
        reason, wait = self._reason_to_hold(spec)
        if reason is None:
            return False
        self.failures.remember(spec.plugin_id, spec.revision, reason, wait=wait)
        live = self._board.live.get(spec.plugin_id)
        if live is not None:
            _swap_grants(live, spec, keep_spec=True)
        return True

    def _reason_to_hold(self, spec: PluginSpec) -> tuple[PluginError | None, float | None]:
        """Return why every process leaves the plugin out, and for how many seconds (None for without end).

        It leaves quarantine by another content of its code, another core, or an administrator, whose act clears the
        state.
        """
        until = held_until(spec.effective_state, spec.evidence)
        if until is not None and until > timezone.now():
            reason = f"{spec.plugin_id} killed a process, and is left out until {until.isoformat(timespec='seconds')}."
            return PluginCrashError(reason), (until - timezone.now()).total_seconds()
        if spec.effective_state is not EffectiveState.QUARANTINED:
            return None, None
        if (spec.evidence.get("digest"), spec.evidence.get("core")) != (self._starter.digest(spec), __version__):
            return None, None
        told = spec.evidence.get("error", "it failed before")
        return PluginError(f"{spec.plugin_id} is in quarantine: {told}"), None

    def _plan(self, specs: Mapping[str, PluginSpec], manifests: dict[str, PluginMetadata]) -> Plan:
        """Plan what runs. Where a new manifest does not fit, the old one goes on if that still fits; else it stops.

        Takes what does not fit out of ``manifests``.
        """
        misfits: dict[str, PluginError] = {}
        plan = self._plan_of(specs, manifests)
        while unfit := [key for key in plan.held if key in manifests]:
            misfits |= {key: misfit(manifests.pop(key), plan) for key in unfit}
            plan = self._plan_of(specs, manifests)
        for plugin_id in [key for key in reversed(list(self._board.live)) if key in plan.held]:
            misfits.setdefault(plugin_id, misfit(self._board.live[plugin_id].metadata, plan))
            self._stop(plugin_id)
        for plugin_id, error in misfits.items():
            self._failed(specs[plugin_id], error)
        return plan

    def _plan_of(self, specs: Mapping[str, PluginSpec], manifests: Mapping[str, PluginMetadata]) -> Plan:
        planned: list[PlannedPlugin] = []
        for plugin_id, spec in specs.items():
            live = self._board.live.get(plugin_id)
            metadata = manifests.get(plugin_id, live.metadata if live is not None else None)
            blocked = "" if metadata is not None else "it does not run here"
            planned.append(PlannedPlugin(plugin_id, metadata, wanted=spec.wanted, blocked=blocked))
        return make_plan(planned, __version__)

    def _renew(self, spec: PluginSpec, metadata: PluginMetadata) -> None:
        live = self._board.live.get(spec.plugin_id)
        if live is not None and _only_fewer_grants(live.spec, spec):
            _swap_grants(live, spec)
            self.failures.forget(spec.plugin_id)
            return
        try:
            check_neighbours(metadata, [other.metadata for other in self._board.live.values()])
            new = self._starter.start(spec, metadata, live)
        except PluginError as error:
            if live is None and self._starter.set_aside(spec):
                self._start_installed(spec)
            self._failed(spec, error)
            return
        self._board.put(spec.plugin_id, new)
        if live is not None:
            self._starter.stop(live, keep_code=live.code is new.code)
        self._succeeded(spec, new)

    def _start_installed(self, spec: PluginSpec) -> None:
        """Start the installed version, because the other files at its source could not; the state tells of those."""
        try:
            self._board.put(spec.plugin_id, self._starter.start(spec, self._starter.manifest(spec), None))
        except PluginError as error:
            logger.warning("%s does not run here in its installed version either: %s", spec.plugin_id, error.detail)

    def _start_known_good(self, spec: PluginSpec) -> LivePlugin | None:
        """Start the last known good state instead, in this process, until the plugin is changed; None without one."""
        good = known_good_spec(spec)
        if good is None:
            return None
        try:
            metadata = self._starter.manifest(good)
            check_neighbours(metadata, [other.metadata for other in self._board.live.values()])
            live = self._starter.start(good, metadata, None)
        except PluginError as error:
            logger.warning("The last known good state of %s does not run here either: %s", spec.plugin_id, error.detail)
            return None
        self._board.put(spec.plugin_id, live)
        logger.warning("%s runs in its last known good version %s instead", spec.plugin_id, good.version)
        return live

    def _stop(self, plugin_id: str) -> None:
        live = self._board.live[plugin_id]
        self._board.put(plugin_id, None)
        self._starter.stop(live)

    def _succeeded(self, spec: PluginSpec, live: LivePlugin) -> None:
        self.failures.forget(spec.plugin_id)
        if (live.metadata.version, live.code.digest) != (spec.version, spec.digest):
            plugin = live.code.plugin_class
            schema = plugin.Config.model_json_schema()
            versions = plugin.config_version, plugin.storage_version
            self._reporter.report(VersionReport(spec.plugin_id, live.metadata, schema, live.code.digest, *versions))
        if live.migrated:
            self._reporter.report(ConfigReport(spec.plugin_id, live.migrated))
        if spec.effective_state is not EffectiveState.ACTIVE:
            evidence = self._evidence(spec)
            self._reporter.report(StateReport(spec.plugin_id, spec.revision, EffectiveState.ACTIVE, evidence=evidence))

    def _failed(self, spec: PluginSpec, error: PluginError) -> None:
        """Keep the old one serving, with the grants of now; without an old one, quarantine."""
        logger.warning("%s does not run here: %s", spec.plugin_id, error.detail, exc_info=error)
        self.failures.remember(spec.plugin_id, spec.revision, error)
        live = self._board.live.get(spec.plugin_id)
        if live is not None:
            _swap_grants(live, spec, keep_spec=True)
        elif not is_passing(error):
            live = self._start_known_good(spec)
        facts = {**error.extra, "error": error.detail, "errors": [item.detail for item in error.errors]}
        serves = {"serves": live.metadata.version} if live is not None else {}
        evidence = {**self._evidence(spec), **serves, **facts}
        state = _state_after(error, serving=live is not None)
        self._reporter.report(StateReport(spec.plugin_id, spec.revision, state, error.code, error.detail, evidence))

    def _evidence(self, spec: PluginSpec) -> dict[str, Any]:
        try:
            digest = self._starter.digest(spec)
        except PluginError:
            digest = ""
        return {**self._process.describe(), "core": __version__, "digest": digest, "revision": spec.revision}


def _is_suspended(spec: PluginSpec) -> bool:
    return spec.effective_state is EffectiveState.SUSPENDED


def _state_after(error: PluginError, *, serving: bool) -> EffectiveState:
    if serving:
        return EffectiveState.DEGRADED
    if isinstance(error, PluginIncompatibleError):
        return EffectiveState.INCOMPATIBLE
    return EffectiveState.ERROR if is_passing(error) else EffectiveState.QUARANTINED


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
