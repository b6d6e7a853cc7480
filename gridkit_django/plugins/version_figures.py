"""What each process counted of the version that it runs, so that versions can be compared while both serve."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from gridkit_django.models import RuntimeProcess
from gridkit_django.plugins.histogram import Histogram
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.processes import living_processes


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """What the living processes counted of one version of a plugin, each since its object came to work.

    Attributes:
        version: the version.
        digest: digest of its content.
        processes: how many processes run it.
        calls: how often it was called.
        errors: how many calls raised.
        total_ms: wall time of all calls, in milliseconds.
        times: how long the calls took; empty unless the processes tell it, as they do during a trial.
    """

    version: str
    digest: str
    processes: int = 0
    calls: int = 0
    errors: int = 0
    total_ms: float = 0.0
    times: Histogram = field(default_factory=Histogram)

    @property
    def error_share(self) -> float:
        """How many of the calls raised, from 0 to 1; 0 when there was none."""
        return self.errors / self.calls if self.calls else 0.0

    @property
    def mean_ms(self) -> float:
        """How long a call took, in milliseconds; 0 when there was none."""
        return self.total_ms / self.calls if self.calls else 0.0

    @property
    def p95_ms(self) -> float:
        """The time that 95 of 100 calls did not exceed, in milliseconds, to within a tenth; 0 when it is not told."""
        return self.times.percentile(95)

    def plus(self, facts: Mapping[str, Any]) -> VersionFigures:
        """Return this and what another process told."""
        times = Histogram.from_dict(facts.get("times", {}))
        times.merge(self.times)
        return VersionFigures(
            self.version,
            self.digest,
            self.processes + 1,
            self.calls + int(facts["calls"]),
            self.errors + int(facts["errors"]),
            self.total_ms + float(facts["total_ms"]),
            times,
        )


def figures_of(live: Mapping[str, LivePlugin], timed: Container[str] = ()) -> dict[str, dict[str, Any]]:
    """Return what this process tells of its plugins in its row: plain JSON by plugin id.

    Args:
        live: the plugins at work.
        timed: of which plugins it is also told how long the calls took, which is more to write.
    """
    return {plugin_id: _facts(found, timed=plugin_id in timed) for plugin_id, found in live.items()}


def counted_since(told: Mapping[str, Any], before: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a process counted since an earlier report; all of it when it began anew meanwhile."""
    if before["digest"] != told["digest"] or before["calls"] > told["calls"]:
        return told
    times = Histogram.from_dict(told.get("times", {})).minus(Histogram.from_dict(before.get("times", {})))
    sums = {name: told[name] - before[name] for name in ("calls", "errors", "total_ms")}
    return {**told, **sums, "times": times.as_dict()}


def figures_by_version(plugin_id: str) -> tuple[VersionFigures, ...]:
    """Return what the living web and Celery processes told last, by content; what most of them run comes first.

    Args:
        plugin_id: which plugin; one that is at work nowhere has no figures.
    """
    found: dict[str, VersionFigures] = {}
    for process in living_processes():
        if (facts := told_by(process, plugin_id)) is not None:
            digest = str(facts["digest"])
            found[digest] = found.get(digest, VersionFigures(str(facts["version"]), digest)).plus(facts)
    return tuple(sorted(found.values(), key=lambda item: (-item.processes, item.digest)))


def told_by(process: RuntimeProcess, plugin_id: str) -> Mapping[str, Any] | None:
    """Return what a process told of a plugin; None when it does not run there."""
    facts: Mapping[str, Any] | None = process.figures.get(plugin_id)
    return facts


def _facts(live: LivePlugin, *, timed: bool) -> dict[str, Any]:
    totals = [stats.totals() for stats in live.all_stats()]
    found: dict[str, Any] = {
        "version": live.metadata.version,
        "digest": live.code.digest,
        "calls": sum(calls for calls, _, _ in totals),
        "errors": sum(errors for _, errors, _ in totals),
        "total_ms": round(sum(wall_ns for _, _, wall_ns in totals) / 1e6, 3),
    }
    if timed:
        times = Histogram()
        for stats in live.all_stats():
            times.merge(stats.times())
        found["times"] = times.as_dict()
    return found
