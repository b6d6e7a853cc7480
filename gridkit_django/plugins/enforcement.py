"""Judging plugins that can't be stopped while they work: near a limit they are shown, over it they are suspended.

Handlers, storage, events and values are refused to the unit when they are asked for. Processor time and memory of code
in the process can only be looked at afterwards; that is what happens here, now and then, outside of calls.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import F

from gridkit_django.conf import settings
from gridkit_django.models import EffectiveState, InstalledPlugin
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.memory import HeapBook
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.processes import ProcessRow, living_processes
from gridkit_django.plugins.reports import Reporter, StateReport
from gridkit_django.plugins.savepoints import database

SOFT = 0.8
"""From this share of a limit on a plugin is shown as degraded."""

BACK = 0.7
"""Below this share it is well again."""

MB = 1_000_000


class Suspending(Protocol):
    """What the enforcer needs of the runtime."""

    @property
    def live(self) -> Mapping[str, LivePlugin]:
        """The plugins at work in this process."""
        ...

    @property
    def heaps(self) -> HeapBook:
        """What is known about the heap of plugins."""
        ...

    @property
    def process(self) -> ProcessRow:
        """This process's row."""
        ...

    @property
    def reporter(self) -> Reporter:
        """Writes what was seen."""
        ...

    def suspend(self, owner: LivePlugin, code: str, reason: str, evidence: Mapping[str, Any]) -> None:
        """Stop a plugin everywhere."""
        ...


@dataclass(frozen=True, slots=True)
class Load:
    """How much of one limit a plugin takes.

    Attributes:
        code: what it is called while the plugin is near the limit.
        over: what the suspension is called; empty where going over is refused anyway.
        share: what it takes, as a share of the limit.
        told: what it takes, in words.
        here: whether it is a fact about this process only.
    """

    code: str
    over: str
    share: float
    told: str
    here: bool = True


class Enforcer:
    """Judges processor time, memory and storage of the plugins at work. A chore of the runtime.

    Args:
        runtime: the runtime of this process.
    """

    def __init__(self, runtime: Suspending) -> None:
        self._runtime = runtime
        self._judged_at = time.monotonic()

    def enforce(self) -> None:
        """Judge all plugins, when the last time was ``HEARTBEAT_SECONDS`` ago."""
        if time.monotonic() - self._judged_at >= settings().HEARTBEAT_SECONDS:
            self.judge()

    def judge(self) -> None:
        """Judge all plugins now: suspend those over a hard limit, report those near one, take back what is over."""
        self._judged_at = time.monotonic()
        live = dict(self._runtime.live)
        rows = _rows(live)
        for plugin_id, found in live.items():
            row = rows.get(plugin_id)
            if row is None:
                continue
            loads = self._loads(found, row)
            over = next((load for load in loads if load.over and load.share > 1), None)
            if over is not None and not is_critical(found):
                self._runtime.suspend(found, over.over, f"It takes {over.told}.", _evidence(over))
            else:
                self._warn(found, row, loads)

    def _loads(self, live: LivePlugin, row: InstalledPlugin) -> list[Load]:
        limits = live.metadata.resource_limits
        found = [_storage_load(row, limits.max_storage_mb)]
        if limits.max_cpu_percent is not None:
            share = live.cpu.share_of_minute()
            told = f"{share:.0f} % of a core over a minute; its limit is {limits.max_cpu_percent} %"
            found.insert(0, Load("cpu-high", "cpu-limit", share / limits.max_cpu_percent, told))
        if limits.max_memory_mb is not None:
            heap = self._runtime.heaps.measure(live)
            told = f"{heap.size / MB:.1f} MB of memory; its limit is {limits.max_memory_mb} MB"
            found.insert(0, Load("memory-high", "memory-limit", heap.size / (limits.max_memory_mb * MB), told))
        return found

    def _warn(self, live: LivePlugin, row: InstalledPlugin, loads: list[Load]) -> None:
        """Report the first trouble of a plugin that is well, or that the trouble which is shown is over."""
        high = next((load for load in loads if load.share >= SOFT), None)
        shown = next((load for load in loads if load.code == row.state_code), None)
        if high is not None and row.effective_state == EffectiveState.ACTIVE and not row.state_code:
            self._report(live, EffectiveState.DEGRADED, high, f"It takes {high.told}.")
        elif shown is not None and shown.share < BACK and self._may_take_back(row, shown):
            self._report(live, EffectiveState.ACTIVE, shown, "", replaces=shown.code)

    def _may_take_back(self, row: InstalledPlugin, load: Load) -> bool:
        """Whether this process can know that the trouble is over: it saw it itself, or who saw it is gone."""
        seen = (row.state_evidence.get("host"), row.state_evidence.get("pid"))
        facts = self._runtime.process.describe()
        if not load.here or seen == (facts["host"], facts["pid"]):
            return True
        return seen not in {(process.host, process.pid) for process in living_processes()}

    def _report(self, live: LivePlugin, state: EffectiveState, load: Load, reason: str, replaces: str = "") -> None:
        code = "" if replaces else load.code
        evidence = {**self._runtime.process.describe(), **_evidence(load)}
        report = StateReport(live.plugin_id, live.spec.revision, state, code, reason, evidence, replaces)
        self._runtime.reporter.report(report)


def is_critical(live: LivePlugin) -> bool:
    """Whether acts fail without the plugin, so that it is never suspended for a limit: nothing would be recorded."""
    return live.grants.allows(Permission.AUDIT_WRITE) and any(item.mark.critical for item in live.subscriptions)


def _storage_load(row: InstalledPlugin, most_mb: int) -> Load:
    used: int = row.used or 0  # type: ignore[attr-defined]
    told = f"{used} bytes of storage; its limit is {most_mb} MB"
    return Load("storage-nearly-full", "", used / (most_mb * MB) if most_mb else 0.0, told, here=False)


def _evidence(load: Load) -> dict[str, Any]:
    return {"share": round(load.share, 3), "load": load.told}


def _rows(live: Mapping[str, LivePlugin]) -> dict[str, InstalledPlugin]:
    if not live:
        return {}
    rows = InstalledPlugin.objects.using(database()).filter(plugin_id__in=live)
    return {row.plugin_id: row for row in rows.annotate(used=F("storage_usage__used_bytes"))}
