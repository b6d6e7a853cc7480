"""Health checks: the plugin's own word within a deadline, joined with what the runtime saw itself."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from gridkit_django.exceptions import PluginNotFoundError, PluginStateError
from gridkit_django.models import (
    ChannelState,
    DesiredState,
    EffectiveState,
    HealthCheckResult,
    HealthStatus,
    InstalledPlugin,
    OutboxChannel,
    PluginCrash,
)
from gridkit_django.plugins.config import secrets_of
from gridkit_django.plugins.deadline import DeadlineCaller, DeadlineError
from gridkit_django.plugins.health import PluginHealth
from gridkit_django.plugins.health_facts import StoredFacts, facts_about
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.reports import StateReport
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.secret_values import facts_without_secrets, without_secrets
from gridkit_django.plugins.stats import describe

DEADLINE_SECONDS = 1.0
CODE = "health-unhealthy"
_CRASHES_SINCE = timedelta(days=1)
_FAILURES_TOLD = 5
_FIELDS = ("plugin_id", "desired_state", "effective_state", "state_code", "state_reason", "revision")


class HealthChecker:
    """Checks plugins and stores the results.

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
        self._runtime.ensure_current()
        row = _rows().filter(plugin_id=plugin_id).first()
        if row is None:
            raise PluginNotFoundError(f"The plugin {plugin_id!r} is not installed on this site.")
        if row.desired_state != DesiredState.ACTIVE:
            raise PluginStateError(f"{plugin_id} is not active, so its health can't be checked. Activate it.")
        return self._check_rows([row])[plugin_id]

    def check_all(self) -> dict[str, PluginHealth]:
        """Check every plugin that is wanted active, by id; they are read in one query and stored in another."""
        self._runtime.ensure_current()
        return self._check_rows(_rows().filter(desired_state=DesiredState.ACTIVE).order_by("plugin_id"))

    def judge(self, row: InstalledPlugin, stored: StoredFacts) -> PluginHealth:
        """Return how a plugin is now; stores nothing.

        Args:
            row: the plugin.
            stored: what the database knows about it.
        """
        started = time.perf_counter()
        live = self._runtime.live.get(row.plugin_id)
        health = _not_running(self._runtime, row) if live is None else self._of_live(live, stored)
        return replace(health, duration_ms=(time.perf_counter() - started) * 1000)

    def _check_rows(self, rows: Iterable[InstalledPlugin]) -> dict[str, PluginHealth]:
        checked = [(row, self.judge(row, _stored_facts(row))) for row in rows]
        results = [_result(row, health) for row, health in checked]
        if len(results) == 1:
            results[0].save(using=database(), force_insert=True)
        else:
            HealthCheckResult.objects.using(database()).bulk_create(results)
        for row, health in checked:
            self._report(row, health)
        return {row.plugin_id: health for row, health in checked}

    def _of_live(self, live: LivePlugin, stored: StoredFacts) -> PluginHealth:
        health = self._own_word(live)
        heap = self._runtime.heaps.measure(live)
        for fact in facts_about(live, stored, heap, self._runtime.leftovers.get(live.plugin_id, ())):
            health = health.worst(fact)
        return _without_secrets(health, live)

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

    def _report(self, row: InstalledPlugin, health: PluginHealth) -> None:
        """Let the plugin's state follow its own word, without covering other reasons for a state."""
        live = self._runtime.live.get(row.plugin_id)
        if live is None:
            return
        evidence = {**self._runtime.process.describe(), "details": dict(health.details)}
        if health.status is HealthStatus.UNHEALTHY and row.effective_state == EffectiveState.ACTIVE:
            state, code, reason, replaces = EffectiveState.DEGRADED, CODE, health.message, ""
        elif health.status is not HealthStatus.UNHEALTHY and row.state_code == CODE:
            state, code, reason, replaces = EffectiveState.ACTIVE, "", "", CODE
        else:
            return
        report = StateReport(row.plugin_id, live.spec.revision, state, code, reason, evidence, replaces)
        self._runtime.reporter.report(report)


def _rows() -> QuerySet[InstalledPlugin, Any]:
    """Return the plugins, each with what the database knows about its health."""
    since = timezone.now() - _CRASHES_SINCE
    crashes = PluginCrash.objects.filter(plugin=OuterRef("pk"), found_at__gte=since).order_by().values("plugin")
    rows = InstalledPlugin.objects.using(database()).only(*_FIELDS)
    stuck = Q(state=ChannelState.HELD) | Q(failures__gte=_FAILURES_TOLD)
    channels = OutboxChannel.objects.filter(stuck, plugin=OuterRef("pk"), paused=False).order_by().values("plugin")
    return rows.annotate(
        storage=F("storage_usage__used_bytes"),
        died=Subquery(crashes.annotate(number=Count("pk")).values("number")),
        stuck=Subquery(channels.annotate(number=Count("pk")).values("number")),
    )


def _stored_facts(row: Any) -> StoredFacts:
    return StoredFacts(row.storage or 0, row.died or 0, row.stuck or 0)


def _result(row: InstalledPlugin, health: PluginHealth) -> HealthCheckResult:
    return HealthCheckResult(
        plugin=row,
        status=health.status,
        message=health.message,
        details=dict(health.details),
        duration_ms=health.duration_ms,
    )


def _not_running(runtime: PluginRuntime, row: InstalledPlugin) -> PluginHealth:
    error = runtime.failure_of(row.plugin_id, row.revision)
    reason = error.detail if error is not None else row.state_reason
    return PluginHealth.unhealthy(reason or "It is not at work in this process.", state=row.effective_state)


def _without_secrets(health: PluginHealth, live: LivePlugin) -> PluginHealth:
    """Take the secrets of the configuration out of a verdict: words of the plugin's errors are in it."""
    if not health.message:
        return health
    secrets = secrets_of(live.spec)
    details = facts_without_secrets(health.details, secrets)
    return replace(health, message=without_secrets(health.message, secrets), details=details)
