"""Health: the plugin's own word within a deadline, and what the runtime saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gridkit_django.events import GridEvent, event_bus, make_event
from gridkit_django.exceptions import PluginNotFoundError, PluginStateError
from gridkit_django.models import AuditRecord, HealthCheckResult, InstalledPlugin, PluginCrash
from gridkit_django.plugins import Plugin, PluginHealth, PluginManager, handles
from tests.plugins.samples import Explosive, Listener, metadata

pytestmark = pytest.mark.django_db(transaction=True)


class Patient(Plugin):
    """Says what it is told to say."""

    metadata = metadata(
        "patient",
        required_permissions=["events:subscribe", "storage:use"],
        resource_limits={"max_cpu_percent": 1, "max_storage_mb": 1, "max_memory_mb": 1},
    )
    hoard: list[bytes] = []
    says: list[Callable[[], Any]] = []

    @handles("row:update")
    def work(self, event: GridEvent) -> None:
        until = time.perf_counter() + float(str(event.payload.get("seconds", 0)))
        while time.perf_counter() < until:
            pass
        if event.payload.get("fail"):
            raise ValueError("it hurts")

    def health_check(self) -> PluginHealth:
        said: PluginHealth = self.says[0]() if self.says else super().health_check()
        return said


@pytest.fixture
def patient(manager: PluginManager) -> Iterator[PluginManager]:
    Patient.says.clear()
    Patient.hoard.clear()
    manager.install_plugin(Patient)
    yield manager
    manager.runtime.catalog.remove_object("patient")


def update(**payload: Any) -> None:
    event_bus().emit(make_event("row:update", {"rowId": "1", **payload}, grid="plugin-orders"))


def test_healthy_plugin_is_told_so_quickly_and_the_result_is_kept(patient: PluginManager) -> None:
    health = patient.check_plugin_health("patient")
    assert (health.status, health.message) == ("healthy", "")
    heap = patient.usage_of("patient").usage.heap_bytes  # type: ignore[union-attr]
    assert health.details == {"calls": 0, "errors": 0, "heapBytes": heap, "storageBytes": 0}
    result = HealthCheckResult.objects.get()
    assert (result.status, result.duration_ms) == ("healthy", health.duration_ms)


@pytest.mark.both_databases
def test_check_reads_once_and_stores_once_for_any_number(patient: PluginManager) -> None:
    patient.install_plugin(Listener)
    patient.ensure_current()
    for check in (lambda: patient.check_plugin_health("patient"), patient.check_all_health):
        with CaptureQueriesContext(connection) as queries:
            check()
        touched = [query["sql"].split()[0] for query in queries.captured_queries if "gridkit_django_" in query["sql"]]
        assert touched == ["SELECT", "INSERT"]
    assert HealthCheckResult.objects.count() == 3


@pytest.mark.parametrize(
    ("say", "told"),
    [
        (lambda: PluginHealth.unhealthy("no pulse", pulse=0), "no pulse"),
        (lambda: "fine", "returned str"),
        (lambda: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_unhealthy_word_degrades_the_state_and_a_better_one_heals_it(
    patient: PluginManager, say: Callable[[], Any], told: str
) -> None:
    Patient.says.append(say)
    for _ in range(2):
        health = patient.check_plugin_health("patient")
        assert (health.status, told in health.message) == ("unhealthy", True)
    info = patient.get_plugin("patient")
    assert (info.desired_state, info.effective_state, info.state_code) == ("active", "degraded", "health-unhealthy")
    Patient.says.clear()
    patient.check_plugin_health("patient")
    assert patient.get_plugin("patient").effective_state == "active"
    actions = AuditRecord.objects.filter(actor_id="runtime").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["plugin.degrade", "plugin.recover"]


def test_check_that_hangs_is_unhealthy_and_does_not_hold_anybody_up(patient: PluginManager) -> None:
    release = threading.Event()
    Patient.says.append(release.wait)
    started = time.monotonic()
    assert "hangs" in patient.check_plugin_health("patient").message
    assert "still hangs" in patient.check_plugin_health("patient").message
    assert time.monotonic() - started < 5
    release.set()


def test_failures_missing_grants_and_slowness_are_seen(patient: PluginManager, settings: Any) -> None:
    settings.GRIDKIT = {"HANDLER_BUDGET_MS": 1}
    update(fail=True, seconds=0.3)
    patient.revoke_permission("patient", "storage:use")
    health = patient.check_plugin_health("patient")
    assert health.status == "degraded"
    for text in (
        "not granted storage:use",
        "Patient.work failed 1 times in a row (ValueError: it hurts)",
        "slower than 1 ms",
        "% of a core",
    ):
        assert text in health.message
    assert health.details["missingPermissions"] == ["storage:use"]


def test_storage_that_is_nearly_full_is_seen(patient: PluginManager) -> None:
    patient.runtime.live["patient"].plugin.context.storage.set("k", "x" * 950_000)
    assert "nearly full" in patient.check_plugin_health("patient").message


def test_handlers_that_are_paused_leftovers_and_crashes_are_seen(patient: PluginManager, settings: Any) -> None:
    settings.GRIDKIT = {"HANDLER_BUDGET_MS": 1, "BREAKER_SLOW_CALLS": 1}
    update(seconds=0.01)
    patient.runtime.leftovers = {"patient": ("the thread ticker",)}
    row = InstalledPlugin.objects.get()
    for number in range(2):
        PluginCrash.objects.create(plugin=row, revision=1, step="load", host="h", pid=number)
        health = patient.check_plugin_health("patient")
        assert ("2 processes died" if number else "A process died") in health.message
    patient.runtime.leftovers = {}
    assert "Left out for a while, because too slow: row:update after Patient.work." in health.message
    assert "left behind: the thread ticker" in health.message
    assert (health.status, health.details["crashes"]) == ("degraded", 2)


def test_memory_near_its_limit_is_seen(patient: PluginManager) -> None:
    Patient.hoard[:] = [b"x" * 900_000]
    assert "0.9 MB of memory; its limit is 1 MB" in patient.check_plugin_health("patient").message


def test_plugin_that_could_not_start_is_unhealthy_with_its_reason(manager: PluginManager) -> None:
    Explosive.fuse[:] = [ValueError("bang")]
    with pytest.raises(Exception, match="bang"):
        manager.install_plugin(Explosive)
    health = manager.check_plugin_health("explosive")
    assert (health.status, "bang" in health.message, health.details) == ("unhealthy", True, {"state": "quarantined"})
    Explosive.fuse.clear()


def test_check_of_all_takes_those_that_are_wanted(patient: PluginManager) -> None:
    patient.install_plugin(Listener, activate=False)
    assert list(patient.check_all_health()) == ["patient"]
    with pytest.raises(PluginStateError, match="not active"):
        patient.check_plugin_health("listener")
    with pytest.raises(PluginNotFoundError):
        patient.check_plugin_health("nobody")
