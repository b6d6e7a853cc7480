"""Watching a canary: what it and the others tell of themselves, and what is done when its process is gone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import CanaryFailedError, StorageVersionError
from gridkit_django.marketplace.client.canary_choice import chosen_process, facts_of, key_of
from gridkit_django.marketplace.client.verdict import error_limit, fault_of, slow_limit
from gridkit_django.models import PluginCrash, RuntimeProcess
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.canaries import APPOINT
from gridkit_django.plugins.operation_run import OperationRun
from gridkit_django.plugins.processes import living_processes
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.version_figures import VersionFigures, counted_since, told_by

LOST_MAX = 1
"""How many processes may be lost over a trial. A server ends processes in the ordinary course; two are no accident."""

_Key = tuple[str, int, str]


class CanaryState(StrEnum):
    """How a trial stands, or how it ended."""

    RUNNING = "running"
    GOOD = "good"
    FEW = "few"
    UNTRIED = "untried"
    HURRIED = "hurried"
    STOPPED = "stopped"
    FAILED = "failed"


class Watch:
    """Looks at what the processes tell of themselves while one of them is the canary.

    Args:
        run: the operation, whose step ``appoint`` is done.

    Attributes:
        new: what the canary counted.
        old: what the others of its kind counted over the same time.
        untried: why the canary does not try it; empty when it does.
    """

    def __init__(self, run: OperationRun) -> None:
        self._run = run
        self._facts = run.result(APPOINT)
        self._seconds = int(self._facts["seconds"])
        self.untried = ""
        self._breaks = 0
        self._begin()
        self._show(0.0)

    @property
    def has_verdict(self) -> bool:
        """Whether there were enough calls to compare."""
        return self.new.calls >= settings().CANARY_CALLS_MIN

    def look(self) -> float:
        """Look once, and write what is seen; how much of the time is over, from 0 to 1.

        Raises:
            CanaryFailedError: when it has failed.
        """
        processes = living_processes()
        canary = next((item for item in processes if key_of(item) == self._canary), None)
        if canary is None:
            return self._take_over()
        facts = told_by(canary, self._run.plugin_id)
        failed = (facts or {}).get("failed", {})
        if failed.get("digest") == self.new.digest:
            if failed["code"] == StorageVersionError.code:
                self.untried = str(failed["reason"]).removesuffix(".")
                return 1.0
            raise self._failed(str(failed["reason"]))
        if facts is None or facts["digest"] != self.new.digest:
            return self._not_yet()
        share = self._compare(canary, facts, processes)
        self._show(share)
        return share

    def told(self) -> str:
        """Return the figures as a line for people."""
        if self.has_verdict:
            return f"The canary did well. {self._figures()}"
        return f"Too few calls to compare, so it goes on. {self._figures()}"

    @property
    def _canary(self) -> _Key:
        return str(self._facts["host"]), int(self._facts["pid"]), str(self._facts["started_at"])

    def _begin(self) -> None:
        """Begin to wait for the canary."""
        self._before: dict[_Key, Mapping[str, Any]] = {}
        self._since: datetime | None = None
        self._began = time.monotonic()
        self.new = VersionFigures(str(self._facts["version"]), str(self._facts["digest"]))
        self.old = VersionFigures("", "")

    def _take_over(self) -> float:
        """Let another process try it from the beginning, when this one is gone and the new version did not kill it.

        Raises:
            CanaryFailedError: when it did, when another one was lost before, or when there is no other.
        """
        plugin_id, host, pid = self._run.plugin_id, self._facts["host"], self._facts["pid"]
        crashes = PluginCrash.objects.using(database()).filter(digest=self.new.digest, host=host, pid=pid)
        if crash := crashes.filter(plugin__plugin_id=plugin_id, found_at__gte=self._run.operation.created_at).first():
            raise self._failed(f"its process died while the new version was at the step {crash.step}")
        lost = [*self._facts["lost"], list(self._canary)]
        if len(lost) > LOST_MAX:
            raise self._failed("its process is gone, and so is the one that tried it before")
        other = chosen_process(plugin_id, self.new.digest, {(name, number, at) for name, number, at in lost})
        if other is None:
            raise self._failed("its process is gone, and there is no other that could take over")
        self._run.log(f"The process {host}:{pid} is gone. {other} tries it now, from the beginning.")
        self._run.note_anew(APPOINT, **facts_of(other), lost=lost)
        self._facts = self._run.result(APPOINT)
        self._begin()
        self._show(0.0)
        plugin_manager().runtime.hints.publish()
        return 0.0

    def _not_yet(self) -> float:
        """Wait for the canary to run it: at first, and once more when it was interrupted, by a change of the plugin.

        Raises:
            CanaryFailedError: when it takes too long, or is interrupted again.
        """
        if self._since is not None:
            self._breaks += 1
            if self._breaks > 1:
                raise self._failed("its process does not run it any more")
            self._begin()
        if time.monotonic() - self._began > settings().HOSTS_READY_SECONDS:
            raise self._failed(f"its process did not start it within {settings().HOSTS_READY_SECONDS} seconds")
        return 0.0

    def _compare(self, canary: RuntimeProcess, facts: Mapping[str, Any], processes: Sequence[RuntimeProcess]) -> float:
        others = {
            key_of(item): told
            for item in processes
            if item.kind == canary.kind and (told := told_by(item, self._run.plugin_id)) is not None and "times" in told
        }
        others.pop(self._canary, None)
        self._since = self._since or canary.seen_at
        self.new = VersionFigures(self.new.version, self.new.digest).plus(facts)
        self.old = VersionFigures("", "")
        for key, told in others.items():
            self.old = self.old.plus(counted_since(told, self._before.setdefault(key, told)))
        if fault := fault_of(self.new, self.old):
            raise self._failed(fault)
        return (canary.seen_at - self._since) / timedelta(seconds=self._seconds)

    def _show(self, share: float) -> None:
        """Write how it stands, for people and for the API."""
        facts = {name: self._facts[name] for name in ("version", "before", "host", "pid", "kind", "seconds")}
        limits = {"errorShare": round(error_limit(self.old), 4), "p95Ms": _rounded(slow_limit(self.old))}
        figures = {"new": plain_figures(self.new), "old": plain_figures(self.old), "limits": limits}
        lost = [f"{host}:{pid}" for host, pid, _ in self._facts["lost"]]
        seen = {"share": round(min(share, 1.0), 3), "lost": lost, **figures}
        self._run.show_canary(state=CanaryState.RUNNING, reason="", **facts, **seen)

    def _failed(self, why: str) -> CanaryFailedError:
        self._show(self._run.operation.canary["share"])
        host, pid, _ = self._canary
        return CanaryFailedError(
            f"{self._run.plugin_id} {self.new.version} was tried in {self._facts['kind']} {pid} on {host}, and that "
            f"process goes back to the version in use: {why}. {self._figures()} Nothing was switched. Tell the author; "
            "to switch without a canary, ask again with canary_seconds 0.",
            extra={"reason": why, "new": plain_figures(self.new), "old": plain_figures(self.old)},
        )

    def _figures(self) -> str:
        return f"New: {_words(self.new)}; in use: {_words(self.old)}."


def plain_figures(figures: VersionFigures) -> dict[str, Any]:
    """Return figures as plain JSON."""
    return {
        "processes": figures.processes,
        "calls": figures.calls,
        "errors": figures.errors,
        "errorShare": round(figures.error_share, 4),
        "meanMs": round(figures.mean_ms, 3),
        "p95Ms": round(figures.p95_ms, 3),
    }


def _words(figures: VersionFigures) -> str:
    return f"{figures.calls} calls, {figures.errors} errors, 95 of 100 calls up to {figures.p95_ms:.1f} ms"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
