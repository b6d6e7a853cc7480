"""Trials: this process runs a version before the others do, as a canary, and goes back when nobody wishes it any more.

What a trial does is told in this process's row only: the state of the plugin is that of the version in use.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from gridkit_django.exceptions import PluginError
from gridkit_django.plugins.compat import check_neighbours
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.permissions import GrantTable
from gridkit_django.plugins.spec import PluginSpec
from gridkit_django.plugins.starting import Starter

logger = logging.getLogger("gridkit_django.plugins")


@dataclass(frozen=True, slots=True)
class Trial:
    """A version that one process is to try.

    Attributes:
        plugin_id: which plugin.
        version: the version.
        digest: digest of its content.
        grants: the permissions that were agreed to for it, beside those that the plugin has.
    """

    plugin_id: str
    version: str
    digest: str
    grants: tuple[str, ...] = ()

    def spec_of(self, spec: PluginSpec) -> PluginSpec:
        """Return how the plugin runs on trial: with the configuration of now, in the revision of now."""
        grants = GrantTable(spec.grants.granted | frozenset(self.grants), spec.grants.revoked)
        return replace(spec, version=self.version, digest=self.digest, grants=grants, on_trial=True)


class TrialBoard(Protocol):
    """What trials need of the runtime."""

    @property
    def live(self) -> Mapping[str, LivePlugin]:
        """The plugins at work in this process."""
        ...

    def put(self, plugin_id: str, live: LivePlugin | None) -> None:
        """Swap a plugin in."""
        ...


class Trials:
    """The versions on trial in this process. The follower begins and ends them, under the runtime's turn.

    Args:
        board: holds the plugins at work.
        starter: builds plugins.
    """

    def __init__(self, board: TrialBoard, starter: Starter) -> None:
        self._board = board
        self._starter = starter
        self.clear()

    def clear(self) -> None:
        """Forget everything: no plugin is at work any more."""
        self._wanted: dict[str, Trial] = {}
        self._running: dict[str, LivePlugin] = {}
        self.faults: dict[Trial, tuple[str, str]] = {}

    def want(self, wanted: Iterable[Trial]) -> None:
        """Say which versions are to be tried from now on; the next follow begins and ends."""
        self._wanted = {trial.plugin_id: trial for trial in wanted}
        self.faults = {trial: fault for trial, fault in self.faults.items() if trial in self._wanted.values()}

    @property
    def is_behind(self) -> bool:
        """Whether something is to begin or to end."""
        ending = any(self.is_over(live) for live in self._board.live.values())
        return ending or any(self._is_to_begin(trial) for trial in self._wanted.values())

    def is_over(self, live: LivePlugin) -> bool:
        """Whether this object is on trial and is to make way for the version in use."""
        if self._running.get(live.plugin_id) is not live:
            return False
        trial = self._wanted.get(live.plugin_id)
        return trial is None or trial in self.faults or trial.digest != live.code.digest

    def has_given_up(self, live: LivePlugin, reason: str) -> bool:
        """Take note that an object on trial fails too much, instead of suspending the plugin; False for all others."""
        trial = self._wanted.get(live.plugin_id)
        if trial is None or self._running.get(live.plugin_id) is not live:
            return False
        self.faults[trial] = (PluginError.code, reason)
        return True

    def fault_of(self, plugin_id: str) -> dict[str, str]:
        """Return content, code and reason of a trial that could not begin or failed; empty when there is none."""
        trial = self._wanted.get(plugin_id)
        if trial is None or trial not in self.faults:
            return {}
        code, reason = self.faults[trial]
        return {"digest": trial.digest, "code": code, "reason": reason}

    def begin(self, specs: Mapping[str, PluginSpec]) -> None:
        """Swap in what is wanted on trial and does not run yet; what can't be started is told, and not tried again."""
        self._running = {key: live for key, live in self._running.items() if self._board.live.get(key) is live}
        for trial in self._wanted.values():
            if trial.plugin_id in specs and self._is_to_begin(trial):
                try:
                    self._begin(trial, trial.spec_of(specs[trial.plugin_id]))
                except PluginError as error:
                    logger.warning("%s %s can't be tried here: %s", trial.plugin_id, trial.version, error.detail)
                    self.faults[trial] = (error.code, error.detail)

    def _is_to_begin(self, trial: Trial) -> bool:
        live = self._board.live.get(trial.plugin_id)
        return live is not None and live.code.digest != trial.digest and trial not in self.faults

    def _begin(self, trial: Trial, spec: PluginSpec) -> None:
        old = self._board.live[trial.plugin_id]
        metadata = self._starter.manifest(spec)
        self._check(metadata)
        new = self._starter.start(spec, metadata, old)
        self._running[trial.plugin_id] = new
        self._board.put(trial.plugin_id, new)
        self._starter.stop(old)
        logger.info("%s runs in version %s here, on trial", trial.plugin_id, trial.version)

    def _check(self, metadata: PluginMetadata) -> None:
        """Refuse a version that does not get on with its neighbours, or that one of them does not get on with.

        Raises:
            PluginIncompatibleError: says why.
        """
        others = [live.metadata for live in self._board.live.values() if live.plugin_id != metadata.id]
        check_neighbours(metadata, others)
        for other in others:
            check_neighbours(other, [metadata, *(item for item in others if item is not other)])
