"""What the health check of one plugin costs; the specification allows 10 ms, and the goal is 1 ms without storing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gridkit_django.models import HealthCheckResult, InstalledPlugin
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.health_facts import StoredFacts
from gridkit_django.plugins.healthcheck import HealthChecker
from gridkit_django.plugins.memory import walk
from tests.benchmarks.database import server_version
from tests.benchmarks.harness import Variant, compare, table
from tests.benchmarks.plugins.samples import at_work, idle_plugin

CHECKS = 50
HANDLERS = 10
PLUGINS = 10


def run() -> Iterator[str]:
    """Compare one check with one bare INSERT of its result, and checks of ten plugins one by one and at once."""
    with at_work([idle_plugin(f"bench-{number}", handlers=HANDLERS) for number in range(PLUGINS)]) as manager:
        yield _one(manager)
        yield _many(manager)


def _one(manager: PluginManager) -> str:
    row = InstalledPlugin.objects.get(plugin_id="bench-0")
    live, checker = manager.runtime.live["bench-0"], HealthChecker(manager.runtime)
    variants: dict[str, Variant] = {
        "store a result": lambda: HealthCheckResult.objects.create(plugin=row, status="healthy", duration_ms=1),
        "health_check() alone": live.plugin.health_check,
        "judge: its word in time, and all facts": lambda: checker.judge(row, StoredFacts(0, 0)),
        "walk its heap": lambda: walk(live),
        "check_plugin_health: read, judge, store": lambda: manager.check_plugin_health("bench-0"),
    }
    measured = compare({name: partial(_repeat, act) for name, act in variants.items()})
    conditions = {"checks in a run": CHECKS, "handlers": HANDLERS, "database": server_version()}
    return table("Health of one plugin", measured, conditions=conditions)


def _many(manager: PluginManager) -> str:
    names = [f"bench-{number}" for number in range(PLUGINS)]
    variants: dict[str, Variant] = {
        "check_plugin_health for each": lambda: [manager.check_plugin_health(name) for name in names],
        "check_all_health": manager.check_all_health,
    }
    conditions = {"handlers of each": HANDLERS, "database": server_version()}
    return table(f"Health of {PLUGINS} plugins", compare(variants), conditions=conditions)


def _repeat(act: Variant) -> None:
    for _ in range(CHECKS):
        act()
