"""What the runtime itself knows about the health of a plugin, besides the plugin's own word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gridkit_django.conf import settings
from gridkit_django.plugins.enforcement import MB, SOFT
from gridkit_django.plugins.health import PluginHealth
from gridkit_django.plugins.job_calls import JobStats
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.memory import HeapFigure
from gridkit_django.plugins.stats import CallFigures
from gridkit_django.plugins.strict_follows import tables_behind


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """What the database knows.

    Attributes:
        storage_bytes: the size of the plugin's storage.
        crashes: how many processes died in a step of its life within a day.
        held_channels: how many of its channels of the outbox are held, or failed again and again.
    """

    storage_bytes: int
    crashes: int
    held_channels: int = 0


def facts_about(
    live: LivePlugin, stored: StoredFacts, heap: HeapFigure, leftovers: Iterable[str]
) -> Iterator[PluginHealth]:
    """Yield a verdict for each thing that is known.

    Args:
        live: the plugin at work here.
        stored: what the database knows.
        heap: what it holds.
        leftovers: what objects of it left behind here.
    """
    counted = live.all_stats()
    figures = [stats.figures() for stats in counted]
    yield _grants(live)
    yield _failures(figures)
    yield _speed([item for stats, item in zip(counted, figures, strict=True) if not isinstance(stats, JobStats)])
    yield _paused(live)
    yield _cpu(live)
    yield _memory(live, heap)
    yield _storage(live, stored.storage_bytes)
    yield _crashes(stored.crashes)
    yield _channels(stored.held_channels)
    yield _leftovers(tuple(leftovers))
    yield _triggers(live)


def _grants(live: LivePlugin) -> PluginHealth:
    missing = live.grants.missing(live.metadata.required_permissions)
    if not missing:
        return PluginHealth.healthy()
    return PluginHealth.degraded(f"It was not granted {', '.join(missing)}.", missingPermissions=list(missing))


def _triggers(live: LivePlugin) -> PluginHealth:
    behind = tables_behind(live.follows)
    if not behind:
        return PluginHealth.healthy()
    return PluginHealth.degraded(
        f"The triggers of {', '.join(behind)} record as before: what it masks and encrypts does not hold there yet. "
        "Run: manage.py gridkit_audit_triggers install."
    )


def _failures(figures: list[CallFigures]) -> PluginHealth:
    calls, errors = sum(item.calls for item in figures), sum(item.errors for item in figures)
    facts = PluginHealth.healthy(calls=calls, errors=errors)
    failing = [item for item in figures if item.failing]
    if not failing:
        return facts
    told = "; ".join(f"{item.name} failed {item.failing} times in a row ({item.last_error})" for item in failing)
    return facts.worst(PluginHealth.degraded(f"{told}."))


def _speed(figures: list[CallFigures]) -> PluginHealth:
    budget = settings().HANDLER_BUDGET_MS
    slow = [item.name for item in figures if item.p95_ms > budget]
    if not slow:
        return PluginHealth.healthy()
    return PluginHealth.degraded(f"Often slower than {budget} ms: {', '.join(slow)}.")


def _paused(live: LivePlugin) -> PluginHealth:
    paused = [item.stats.name for item in live.subscriptions if item.breaker.is_open]
    paused += [item.stats.name for item in live.message_handlers if item.breaker.is_open]
    if not paused:
        return PluginHealth.healthy()
    return PluginHealth.degraded(f"Left out for a while, because too slow: {', '.join(paused)}.", paused=[*paused])


def _cpu(live: LivePlugin) -> PluginHealth:
    most, used = live.metadata.resource_limits.max_cpu_percent, live.cpu.percent()
    if most is None or used <= most * SOFT:
        return PluginHealth.healthy()
    return PluginHealth.degraded(f"It takes {used:.0f} % of a core; its limit is {most} %.", cpuPercent=used)


def _memory(live: LivePlugin, heap: HeapFigure) -> PluginHealth:
    most, facts = live.metadata.resource_limits.max_memory_mb, PluginHealth.healthy(heapBytes=heap.size)
    if most is None or heap.size <= most * MB * SOFT:
        return facts
    at_least = "" if heap.complete else "at least "
    told = f"It holds {at_least}{heap.size / MB:.1f} MB of memory; its limit is {most} MB."
    return facts.worst(PluginHealth.degraded(told))


def _storage(live: LivePlugin, used: int) -> PluginHealth:
    most = live.metadata.resource_limits.max_storage_mb * MB
    if not used or used <= most * SOFT:
        return PluginHealth.healthy(storageBytes=used)
    return PluginHealth.degraded(f"Its storage is nearly full: {used} of {most} bytes.", storageBytes=used)


def _crashes(number: int) -> PluginHealth:
    if not number:
        return PluginHealth.healthy()
    told = "A process" if number == 1 else f"{number} processes"
    return PluginHealth.degraded(f"{told} died within a day while it started or ended.", crashes=number)


def _channels(number: int) -> PluginHealth:
    if not number:
        return PluginHealth.healthy()
    told = "A channel" if number == 1 else f"{number} channels"
    return PluginHealth.degraded(f"{told} of the outbox can't send; the page of the outbox says why.", channels=number)


def _leftovers(found: tuple[str, ...]) -> PluginHealth:
    if not found:
        return PluginHealth.healthy()
    return PluginHealth.degraded(f"It left behind: {'; '.join(found)}.", leftovers=list(found))
