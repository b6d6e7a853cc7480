"""Usage, health, processes and requests over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gridkit_django.models import HealthCheckResult, InstalledPlugin, PluginUsageRecord, RuntimeProcess
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.histogram import Histogram
from tests.api.plugins import CLERK, TOILER
from tests.api.test_base import assert_problem
from tests.api.test_plugins import AFTER_COMMIT

CLERKS = f"/gridkit/api/plugins/{CLERK}/"
REQUESTS = "/gridkit/api/plugins/requests/"


@pytest.fixture
def client(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> APIClient:
    return person("activate", "grant")


def durations(*milliseconds: int) -> dict[str, int]:
    found = Histogram()
    for item in milliseconds:
        found.add(item * 1_000_000)
    return found.as_dict()


@pytest.mark.both_databases
def test_usage_is_added_up_over_processes_and_told_by_handler_and_hour(
    clerk: InstalledPlugin, client: APIClient
) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for process in ("one", "two"):
        PluginUsageRecord.objects.create(
            plugin=clerk,
            name="row:update after",
            process=process,
            hour=hour,
            calls=2,
            errors=1,
            wall_ms=20,
            cpu_ms=10,
            histogram=durations(10, 10),
        )
    body = client.get(CLERKS + "usage/").json()
    (handler,) = body["handlers"]
    assert (handler["name"], handler["calls"], handler["errors"], handler["cpuMs"]) == ("row:update after", 4, 2, 20)
    assert handler["p95Ms"] == pytest.approx(10, rel=0.15)
    assert (body["total"]["name"], body["total"]["calls"], body["storageBytes"]) == ("", 4, 0)
    assert [item["calls"] for item in body["hours"]] == [4]
    assert client.get(CLERKS + "usage/?days=366").json()["total"]["calls"] == 4


@pytest.mark.parametrize("days", ["0", "367", "week", "1.5", "-1"])
def test_days_out_of_bounds_are_refused(client: APIClient, days: str) -> None:
    document = assert_problem(client.get(f"{CLERKS}usage/?days={days}"), 422, "filter-value-invalid")
    assert document["errors"][0]["pointer"] == "?days"


def test_health_checks_are_paged_newest_first(clerk: InstalledPlugin, client: APIClient) -> None:
    for number in range(3):
        HealthCheckResult.objects.create(plugin=clerk, status="healthy", message=str(number), duration_ms=1)
    page = client.get(CLERKS + "health/?size=2").json()
    assert [item["message"] for item in page["results"]] == ["2", "1"]
    assert [item["message"] for item in client.get(page["next"]).json()["results"]] == ["0"]
    assert_problem(client.get(CLERKS + "health/?cursor=x"), 422, "cursor-invalid")


@AFTER_COMMIT
def test_health_is_checked_now_and_stored(manager: PluginManager, client: APIClient) -> None:
    manager.activate_plugin(CLERK)
    body = client.post(CLERKS + "health/", {}, format="json").json()
    assert (body["status"], body["message"]) == ("degraded", "It was not granted methods:register.")
    assert client.get(CLERKS + "health/").json()["results"] == [body]


def test_processes_are_told_apart_by_whether_they_do_what_is_wanted(clerk: InstalledPlugin, client: APIClient) -> None:
    now = timezone.now()
    for pid, plugins in ((1, {}), (2, {CLERK: 7})):
        RuntimeProcess.objects.create(
            host="h", pid=pid, kind="web", generation=3, plugins=plugins, started_at=now, seen_at=now
        )
    RuntimeProcess.objects.create(host="h", pid=3, kind="web", started_at=now, seen_at=now - timedelta(days=1))
    body = client.get(CLERKS + "processes/").json()
    assert (body["revision"], body["converged"]) == (None, False)
    assert [item["pid"] for item in body["on"]] == [1]
    (behind,) = body["behind"]
    assert (behind["pid"], behind["revision"], behind["generation"], behind["safeMode"]) == (2, 7, 3, False)
    RuntimeProcess.objects.filter(pid=2).delete()
    assert client.get(CLERKS + "processes/").json()["converged"] is True


@AFTER_COMMIT
def test_request_of_a_plugin_is_listed_until_it_is_decided(manager: PluginManager, client: APIClient) -> None:
    manager.install_plugin("object:tests.api.plugins.Toiler", grants=["schedule:use"])
    (entry,) = client.get(REQUESTS).json()["results"]
    assert (entry["plugin"], entry["permission"], entry["reason"]) == (TOILER, "rows:read", "to count them")
    wish = {"permission": "rows:read", "decision": "denied"}
    body = client.post(entry["url"], wish, format="json").json()
    assert {item["name"]: item["decision"] for item in body["permissions"]}["rows:read"] == "denied"
    assert client.get(REQUESTS).json()["results"] == []


def test_what_was_granted_can_not_be_denied(client: APIClient) -> None:
    wish = {"permission": "storage:use", "decision": "denied"}
    assert_problem(client.post(CLERKS + "grants/", wish, format="json"), 409, "plugin-state-invalid")
