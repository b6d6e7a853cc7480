"""The canary: one process serves with the new version for a while, before all others come after it or it goes back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import CanaryFailedError, StorageVersionError
from gridkit_django.marketplace.client.parts import main_part
from gridkit_django.models import InstalledPlugin, RuntimeProcess
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.canaries import APPOINT
from gridkit_django.plugins.consent import undecided
from gridkit_django.plugins.operation_run import OperationRun
from gridkit_django.plugins.processes import SERVING_KINDS, living_processes
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.version_figures import VersionFigures, told_by

ERROR_MARGIN = 0.05
"""By how much the share of calls that raise may be larger than with the old version."""

SLOWER_TIMES = 2.0
SLOWER_MS = 5.0
"""A call may take so many times as long as with the old version, and so many milliseconds more."""

_PAUSE_SECONDS = 0.5

_Key = tuple[str, int]


def appoint_canary(run: OperationRun) -> None:
    """Choose the process that serves with the new version first, and note it; nobody where that is of no use."""
    part = main_part(run)
    row = InstalledPlugin.objects.using(database()).prefetch_related("grants").get(plugin_id=run.plugin_id)
    agreed = _agreed(run.arguments.get("grants") or (), part.release.permissions)
    open_questions = set(undecided(row, part.release.permissions)) - set(agreed)
    chosen = _chosen(run.plugin_id, part.content(run))
    if run.is_to_switch_anyway():
        run.log("No process tries it first: it was said to switch all the same.")
    elif open_questions:
        run.log("No process tries it first: it asks for permissions that nobody has decided about.")
    elif chosen is None:
        run.log("No process tries it first: there are not two of a kind that run the version in use.")
    else:
        facts = {"version": part.release.version, "digest": part.content(run), "grants": list(agreed)}
        run.note(host=chosen.host, pid=chosen.pid, kind=chosen.kind, **facts)
        run.log(f"{chosen} tries it first.")


def _agreed(grants: str | Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
    """Return which of the permissions that a version asks for were agreed to with the update."""
    return tuple(name for name in asked if grants == "all" or name in grants)


def _chosen(plugin_id: str, digest: str) -> RuntimeProcess | None:
    """Return the youngest web process of several, else the youngest Celery process of several."""
    found = [item for item in living_processes() if not item.safe_mode and _runs_other(item, plugin_id, digest)]
    for kind in SERVING_KINDS:
        alike = [item for item in found if item.kind == kind]
        if len(alike) > 1:
            return max(alike, key=lambda item: (item.started_at, item.host, item.pid))
    return None


def _runs_other(process: RuntimeProcess, plugin_id: str, digest: str) -> bool:
    facts = told_by(process, plugin_id)
    return facts is not None and facts["digest"] != digest


def try_canary(run: OperationRun) -> None:
    """Let the appointed process serve for ``CANARY_SECONDS``, and compare what it counted with what the others did.

    Raises:
        CanaryFailedError: when the new version raises or takes longer by more than the margins, could not start, or
            its process is gone.
        OperationCancelled: when somebody stopped it meanwhile.
    """
    watch = Watch(run)
    if not run.result(APPOINT):
        return
    plugin_manager().runtime.hints.publish()
    while not run.is_to_switch_anyway():
        share = watch.look()
        run.report(share)
        if share >= 1:
            run.log(watch.told())
            break
        time.sleep(_PAUSE_SECONDS)
    run.note(new=_plain(watch.new), old=_plain(watch.old))


class Watch:
    """Looks at what the processes tell of themselves while one of them is the canary.

    Args:
        run: the operation, whose step ``appoint`` is done.

    Attributes:
        new: what the canary counted.
        old: what the others of its kind counted over the same time.
    """

    def __init__(self, run: OperationRun) -> None:
        self._facts = run.result(APPOINT)
        self._plugin_id = run.plugin_id
        self._before: dict[_Key, Mapping[str, Any]] = {}
        self._untried = ""
        self._since: datetime | None = None
        self._began = time.monotonic()
        self.new = VersionFigures(str(self._facts.get("version", "")), str(self._facts.get("digest", "")))
        self.old = VersionFigures("", "")

    def look(self) -> float:
        """Look once; how much of the time is over, from 0 to 1.

        Raises:
            CanaryFailedError: when it has failed.
        """
        processes = living_processes()
        canary = next((item for item in processes if _key(item) == self._canary), None)
        facts = told_by(canary, self._plugin_id) if canary is not None else None
        if canary is None:
            raise self._failed("its process is gone")
        failed = (facts or {}).get("failed", {})
        if failed.get("digest") == self.new.digest:
            if failed["code"] == StorageVersionError.code:
                self._untried = str(failed["reason"])
                return 1.0
            raise self._failed(str(failed["reason"]))
        if facts is None or facts["digest"] != self.new.digest:
            return self._not_yet()
        return self._compare(canary, facts, processes)

    def told(self) -> str:
        """Return the figures as a line for people."""
        if self._untried:
            return f"No process tries it first: {self._untried}"
        if self.new.calls < settings().CANARY_CALLS_MIN:
            return f"Too few calls to compare, so it goes on. {self._figures()}"
        return f"The canary did well. {self._figures()}"

    @property
    def _canary(self) -> _Key:
        return str(self._facts["host"]), int(self._facts["pid"])

    def _not_yet(self) -> float:
        if self._since is not None:
            raise self._failed("its process does not run it any more")
        if time.monotonic() - self._began > settings().HOSTS_READY_SECONDS:
            raise self._failed(f"its process did not start it within {settings().HOSTS_READY_SECONDS} seconds")
        return 0.0

    def _compare(self, canary: RuntimeProcess, facts: Mapping[str, Any], processes: Sequence[RuntimeProcess]) -> float:
        others = {
            _key(item): told
            for item in processes
            if item.kind == canary.kind and (told := told_by(item, self._plugin_id)) is not None
        }
        others.pop(self._canary)
        if self._since is None:
            self._since, self._before = canary.seen_at, others
        self.new = VersionFigures(self.new.version, self.new.digest).plus(facts)
        self.old = VersionFigures("", "")
        for key, told in others.items():
            self.old = self.old.plus(_counted_since(told, self._before.get(key)))
        if fault := fault_of(self.new, self.old):
            raise self._failed(fault)
        return (canary.seen_at - self._since) / timedelta(seconds=settings().CANARY_SECONDS)

    def _failed(self, why: str) -> CanaryFailedError:
        return CanaryFailedError(
            f"{self._plugin_id} {self.new.version} was tried in {self._facts['kind']} {self._canary[1]} on "
            f"{self._canary[0]}, and that process goes back to the version in use: {why}. {self._figures()} "
            "Nothing was switched. Tell the author; to switch without a canary, ask again with switch_anyway.",
            extra={"new": _plain(self.new), "old": _plain(self.old)},
        )

    def _figures(self) -> str:
        return f"New: {_words(self.new)}; old: {_words(self.old)}."


def fault_of(new: VersionFigures, old: VersionFigures) -> str:
    """Return why a new version is worse than the old one; empty when it is not, or too few calls were counted.

    Args:
        new: what the canary counted.
        old: what the others counted over the same time. With too few calls there, times are not compared.
    """
    least = settings().CANARY_CALLS_MIN
    if new.calls < least:
        return ""
    if new.error_share > old.error_share + ERROR_MARGIN:
        return f"{new.error_share:.1%} of the calls raised, with the old version {old.error_share:.1%}"
    if old.calls >= least and new.mean_ms > old.mean_ms * SLOWER_TIMES + SLOWER_MS:
        return f"a call took {new.mean_ms:.1f} ms, with the old version {old.mean_ms:.1f} ms"
    return ""


def _counted_since(told: Mapping[str, Any], before: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return what a process counted since an earlier report; all of it when it began anew meanwhile."""
    if before is None or before["digest"] != told["digest"] or before["calls"] > told["calls"]:
        return told
    return {name: told[name] - before[name] for name in ("calls", "errors", "total_ms")}


def _key(process: RuntimeProcess) -> _Key:
    return process.host, process.pid


def _words(figures: VersionFigures) -> str:
    return f"{figures.calls} calls, {figures.errors} errors, {figures.mean_ms:.1f} ms a call"


def _plain(figures: VersionFigures) -> dict[str, Any]:
    return {
        "processes": figures.processes,
        "calls": figures.calls,
        "errors": figures.errors,
        "meanMs": round(figures.mean_ms, 3),
    }
