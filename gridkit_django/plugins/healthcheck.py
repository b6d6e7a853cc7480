"""Health checks: the plugin's own word within a deadline, joined with what the runtime saw itself."""

from __future__ import annotations

import time
from dataclasses import replace

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginStateError
from gridkit_django.models import (
    DesiredState,
    EffectiveState,
    HealthCheckResult,
    HealthStatus,
    InstalledPlugin,
)
from gridkit_django.plugins.change import get_row
from gridkit_django.plugins.deadline import DeadlineCaller, DeadlineError
from gridkit_django.plugins.health import PluginHealth
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.reports import StateReport
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.stats import describe
from gridkit_django.plugins.storage import DatabaseStorage

DEADLINE_SECONDS = 1.0
RESULTS_KEPT = 50
CODE = "health-unhealthy"


class HealthChecker:
    """Checks plugins and keeps the newest results.

    Args:
        runtime: the runtime of this process.
    """

    def __init__(self, runtime: PluginRuntime) -> None:
        self._runtime = runtime
        self._caller = DeadlineCaller()

    def check(self, plugin_id: str) -> PluginHealth:
        """Check one plugin, in this process, and store the result.

        A plugin that calls itself unhealthy is shown as degraded until a later check is better.

        Raises:
            PluginNotFoundError: when it is not installed.
            PluginStateError: when it is not wanted active: then there is nothing to check.
        """
        row = get_row(plugin_id)
        if row.desired_state != DesiredState.ACTIVE:
            raise PluginStateError(f"{plugin_id} is not active, so its health can't be checked. Activate it.")
        self._runtime.ensure_current()
        started = time.perf_counter()
        live = self._runtime.live.get(plugin_id)
        health = _not_running(self._runtime, row) if live is None else self._of_live(live)
        health = replace(health, duration_ms=(time.perf_counter() - started) * 1000)
        _store(row, health)
        if live is not None:
            self._report(row, live, health)
        return health

    def check_all(self) -> dict[str, PluginHealth]:
        """Check every plugin that is wanted active, by id."""
        wanted = InstalledPlugin.objects.filter(desired_state=DesiredState.ACTIVE).order_by("plugin_id")
        return {plugin_id: self.check(plugin_id) for plugin_id in wanted.values_list("plugin_id", flat=True)}

    def _of_live(self, live: LivePlugin) -> PluginHealth:
        health = self._own_word(live)
        for fact in (_grants_fact(live), _failures_fact(live), _speed_fact(live), _cpu_fact(live), _storage_fact(live)):
            health = health.worst(fact)
        return health

    def _own_word(self, live: LivePlugin) -> PluginHealth:
        try:
            said = self._caller.call(live.plugin_id, live.plugin.health_check, DEADLINE_SECONDS)
        except DeadlineError as error:
            return PluginHealth.unhealthy(f"health_check() hangs: {error}")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the failure is the verdict
            return PluginHealth.unhealthy(f"health_check() failed: {describe(error)}")
        if isinstance(said, PluginHealth):
            return said
        return PluginHealth.unhealthy(f"health_check() returned {type(said).__name__}, not a PluginHealth.")

    def _report(self, row: InstalledPlugin, live: LivePlugin, health: PluginHealth) -> None:
        """Let the plugin's state follow its own word, without covering other reasons for a state."""
        evidence = {**self._runtime.process.describe(), "details": dict(health.details)}
        if health.status is HealthStatus.UNHEALTHY and row.effective_state == EffectiveState.ACTIVE:
            state, code, reason = EffectiveState.DEGRADED, CODE, health.message
        elif health.status is not HealthStatus.UNHEALTHY and row.state_code == CODE:
            state, code, reason = EffectiveState.ACTIVE, "", ""
        else:
            return
        self._runtime.reporter.report(StateReport(row.plugin_id, live.spec.revision, state, code, reason, evidence))


def _not_running(runtime: PluginRuntime, row: InstalledPlugin) -> PluginHealth:
    error = runtime.failure_of(row.plugin_id, row.revision)
    reason = error.detail if error is not None else row.state_reason
    return PluginHealth.unhealthy(reason or "It is not at work in this process.", state=row.effective_state)


def _grants_fact(live: LivePlugin) -> PluginHealth:
    missing = live.grants.missing(live.metadata.required_permissions)
    if not missing:
        return PluginHealth.healthy()
    return PluginHealth.degraded(f"It was not granted {', '.join(missing)}.", missingPermissions=list(missing))


def _failures_fact(live: LivePlugin) -> PluginHealth:
    figures = [stats.figures() for stats in live.all_stats()]
    calls, errors = sum(item.calls for item in figures), sum(item.errors for item in figures)
    facts = PluginHealth.healthy(calls=calls, errors=errors)
    failing = [item for item in figures if item.failing]
    if not failing:
        return facts
    told = "; ".join(f"{item.name} failed {item.failing} times in a row ({item.last_error})" for item in failing)
    return facts.worst(PluginHealth.degraded(f"{told}."))


def _speed_fact(live: LivePlugin) -> PluginHealth:
    budget = settings().HANDLER_BUDGET_MS
    slow = [item.name for item in (stats.figures() for stats in live.all_stats()) if item.p95_ms > budget]
    if not slow:
        return PluginHealth.healthy()
    return PluginHealth.degraded(f"Often slower than {budget} ms: {', '.join(slow)}.")


def _cpu_fact(live: LivePlugin) -> PluginHealth:
    most, used = live.metadata.resource_limits.max_cpu_percent, live.cpu.percent()
    if most is None or used <= most:
        return PluginHealth.healthy()
    return PluginHealth.degraded(f"It takes {used:.0f} % of a core; its limit is {most} %.", cpuPercent=used)


def _storage_fact(live: LivePlugin) -> PluginHealth:
    most_mb = live.metadata.resource_limits.max_storage_mb
    used, most = DatabaseStorage(live.plugin_id, most_mb).used_bytes(), most_mb * 1_000_000
    if not used or used <= most * 0.9:
        return PluginHealth.healthy(storageBytes=used)
    return PluginHealth.degraded(f"Its storage is nearly full: {used} of {most} bytes.", storageBytes=used)


def _store(row: InstalledPlugin, health: PluginHealth) -> None:
    HealthCheckResult.objects.create(
        plugin=row,
        status=health.status,
        message=health.message,
        details=dict(health.details),
        duration_ms=health.duration_ms,
    )
    kept = row.health_results.order_by("-checked_at", "-pk").values_list("pk", flat=True)[:RESULTS_KEPT]
    row.health_results.exclude(pk__in=list(kept)).delete()
