"""Metrics for Prometheus: who may read them, and that they say what is stored, in a text that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from guardian.shortcuts import assign_perm
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from rest_framework.test import APIClient

from gridkit_django.api.views import metrics
from gridkit_django.audit.delivery import declare_destination
from gridkit_django.audit.sealing import seal_all
from gridkit_django.models import (
    ExportJob,
    ExportSegment,
    HealthCheckResult,
    InstalledPlugin,
    JobState,
    PluginJobRun,
    PluginStorageUsage,
    PluginUsageRecord,
    PluginVersion,
    RuntimeGeneration,
    RuntimeProcess,
)
from gridkit_django.plugins import PluginManager, plugin_manager
from gridkit_django.plugins.histogram import Histogram
from gridkit_django.tasks.audit import verify_audit
from tests.api.conftest import client_of
from tests.api.test_base import assert_problem

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

METRICS = "/gridkit/api/metrics/"
VIEW = "gridkit_django.view_installedplugin"
TOKEN = "metrics-secret-of-the-tests"


@pytest.fixture(autouse=True)
def manager(db: None) -> Iterator[PluginManager]:
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()


@pytest.fixture
def monitor(settings: Any) -> APIClient:
    """A program that holds the token."""
    settings.GRIDKIT = {"METRICS_TOKEN": TOKEN}
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    return client


@pytest.fixture
def plugin(db: None) -> InstalledPlugin:
    """An active plugin whose version needs escaping, without a source: nothing of it runs."""
    row = InstalledPlugin.objects.create(
        plugin_id="@acme/clock", source="object", source_ref="x", desired_state="active", effective_state="degraded"
    )
    version = PluginVersion.objects.create(plugin=row, version='1"\n\\', manifest={}, digest="1")
    row.current_version = version
    row.save()
    return row


def samples(response: Any) -> dict[tuple[str, ...], float]:
    """Return the values by name and labels' values, as Prometheus' own reader sees them."""
    found = {}
    for family in read_text(response.content.decode()):
        for sample in family.samples:
            found[sample.name, *(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


def usage(plugin: InstalledPlugin, name: str, process: str = "a", hour: datetime | None = None, **values: Any) -> None:
    durations = Histogram()
    for ns in values.pop("ns", []):
        durations.add(ns)
    PluginUsageRecord.objects.create(
        plugin=plugin, name=name, process=process, hour=hour or timezone.now(), histogram=durations.as_dict(), **values
    )


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Token {TOKEN}", f"Basic {TOKEN}"])
def test_metrics_are_closed_to_everybody_without_the_token(settings: Any, anonymous: APIClient, header: str) -> None:
    settings.GRIDKIT = {"METRICS_TOKEN": TOKEN}
    anonymous.credentials(**({"HTTP_AUTHORIZATION": header} if header else {}))

    response = anonymous.get(METRICS)

    assert response.status_code == 401
    assert TOKEN not in response.content.decode()


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_in_the_settings_no_bearer_token_opens_them(
    settings: Any, anonymous: APIClient, token: str | None
) -> None:
    settings.GRIDKIT = {} if token is None else {"METRICS_TOKEN": token}
    anonymous.credentials(HTTP_AUTHORIZATION="Bearer ")

    assert_problem(anonymous.get(METRICS), 401, "authentication-failed")


def test_user_needs_the_right_to_see_all_plugins(
    make_user: Callable[..., User], plugin: InstalledPlugin, anonymous: APIClient
) -> None:
    of_one = make_user("one")
    assign_perm(VIEW, of_one, plugin)

    assert_problem(anonymous.get(METRICS), 401, "not-authenticated")
    assert_problem(client_of(of_one).get(METRICS), 403, "access-denied")
    assert client_of(make_user("all", VIEW)).get(METRICS).status_code == 200


def test_token_opens_the_metrics_and_nothing_else(monitor: APIClient) -> None:
    assert monitor.get(METRICS).status_code == 200
    assert monitor.get("/gridkit/api/plugins/").status_code == 401


def test_parameters_are_refused(monitor: APIClient) -> None:
    assert_problem(monitor.get(f"{METRICS}?name[]=x"), 422, "query-invalid")


def test_missing_library_is_told(monitor: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "HAS_PROMETHEUS", False)

    assert_problem(monitor.get(METRICS), 501, "metrics-unavailable")


def test_site_without_plugins_tells_its_generation_and_processes(monitor: APIClient) -> None:
    RuntimeGeneration.objects.update_or_create(pk=1, defaults={"value": 7})
    now = timezone.now()
    for pid, kind, generation, seen in [(1, "web", 7, now), (2, "web", 6, now), (3, "celery", 7, now), (4, "web", 7, now - timedelta(hours=1))]:  # fmt: skip  # noqa: E501
        RuntimeProcess.objects.create(
            host="h", pid=pid, kind=kind, generation=generation, seen_at=seen, started_at=seen, safe_mode=pid == 3
        )

    response = monitor.get(METRICS)

    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    found = samples(response)
    assert found[("gridkit_generation",)] == 7
    assert (found["gridkit_processes", "web"], found["gridkit_processes", "celery"]) == (2, 1)
    assert (found[("gridkit_processes_behind",)], found[("gridkit_processes_safe_mode",)]) == (1, 1)


def test_state_health_and_version_of_a_plugin_are_told(monitor: APIClient, plugin: InstalledPlugin) -> None:
    for status in ("unhealthy", "degraded"):
        HealthCheckResult.objects.create(plugin=plugin, status=status, duration_ms=1)
    PluginStorageUsage.objects.update_or_create(plugin=plugin, defaults={"used_bytes": 1234})
    for state in ("queued", "queued", "running", "finished"):
        PluginJobRun.objects.create(plugin=plugin, job="tick", state=state)
    now = timezone.now()
    for pid, revision in ((1, plugin.revision), (2, plugin.revision + 1)):
        RuntimeProcess.objects.create(
            host="h", pid=pid, kind="web", plugins={plugin.plugin_id: revision}, seen_at=now, started_at=now
        )

    found, name = samples(monitor.get(METRICS)), plugin.plugin_id

    assert found["gridkit_plugin_info", name, '1"\n\\'] == 1
    states = {frozenset(key[1:]): value for key, value in found.items() if key[0] == "gridkit_plugin_state"}
    assert [key for key, value in states.items() if value] == [frozenset({name, "degraded"})]
    assert len(states) == 7
    assert found["gridkit_plugin_wanted", name] == 1
    assert found["gridkit_plugin_storage_bytes", name] == 1234
    assert found["gridkit_plugin_processes", name] == 1
    assert [found["gridkit_plugin_job_runs", name, state] for state in ("queued", "running")] == [2, 1]
    verdicts = {key[1:]: value for key, value in found.items() if key[0] == "gridkit_plugin_health"}
    assert sorted(verdicts.values()) == [0, 0, 1]
    assert next(key for key, value in verdicts.items() if value) in {(name, "degraded"), ("degraded", name)}


def test_calls_of_all_processes_are_added_up_since_midnight(monitor: APIClient, plugin: InstalledPlugin) -> None:
    counts = {"calls": 3, "errors": 1, "slow": 1, "skipped": 2, "wall_ms": 1500.0, "cpu_ms": 500.0}
    usage(plugin, "row:update", ns=[500, 2_000_000, 1_000_000_000], **counts)
    usage(plugin, "row:update", process="b", ns=[500, 500, 500], **counts)
    usage(plugin, "job tick", ns=[500, 500, 500], **counts)
    usage(plugin, "", heap_bytes=200_000, calls=99)
    usage(plugin, "", process="b", heap_bytes=300_000)
    usage(plugin, "", process="c", hour=timezone.now() - timedelta(hours=3), heap_bytes=900_000)
    usage(plugin, "row:update", hour=datetime.now(UTC) - timedelta(days=1), **counts)

    found, name = samples(monitor.get(METRICS)), plugin.plugin_id

    totals = {key: found[f"gridkit_plugin_{key}_total", name] for key in ("calls", "errors", "slow", "skipped")}
    assert totals == {"calls": 9, "errors": 3, "slow": 3, "skipped": 6}
    assert found["gridkit_plugin_cpu_seconds_total", name] == 1.5
    assert found["gridkit_plugin_heap_bytes", name] == 300_000
    duration = "gridkit_plugin_call_duration_seconds"
    assert (found[f"{duration}_count", name], found[f"{duration}_sum", name]) == (9, 4.5)
    edges = {float(key[1]): value for key, value in found.items() if key[0] == f"{duration}_bucket"}
    assert edges[float("inf")] == 9
    assert edges[min(edges)] == 7
    assert edges[max(edge for edge in edges if edge < 0.0019)] == 7
    assert edges[min(edge for edge in edges if edge > 0.0021)] == 8
    assert list(edges.values()) == sorted(edges.values())


def test_edges_of_the_durations_bound_what_is_counted_below_them(monitor: APIClient, plugin: InstalledPlugin) -> None:
    usage(plugin, "row:update", calls=2, ns=[1, 10**15])
    duration = "gridkit_plugin_call_duration_seconds_bucket"

    found = samples(monitor.get(METRICS))

    counts = {float(key[1]): value for key, value in found.items() if key[0] == duration}
    assert {value for edge, value in counts.items() if edge < float("inf")} == {1}
    assert len(counts) == 16


def test_client_that_wants_openmetrics_gets_it(monitor: APIClient, plugin: InstalledPlugin) -> None:
    usage(plugin, "row:update", calls=1, ns=[1000])

    response = monitor.get(METRICS, headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert response["Content-Type"].startswith("application/openmetrics-text")
    families = {family.name for family in read_openmetrics(response.content.decode())}
    assert {"gridkit_plugin_calls", "gridkit_plugin_state", "gridkit_plugin_call_duration_seconds"} <= families


def test_number_of_queries_does_not_grow_with_the_plugins(
    monitor: APIClient, plugin: InstalledPlugin, idle_thread: None
) -> None:
    with CaptureQueriesContext(connection) as few:
        assert monitor.get(METRICS).status_code == 200
    for number in range(10):
        other = InstalledPlugin.objects.create(plugin_id=f"other-{number}", source="object", source_ref="x")
        usage(other, "row:update", calls=1)

    with CaptureQueriesContext(connection) as many:
        assert monitor.get(METRICS).status_code == 200
    # What a process looks at from time to time may fall into either.
    assert len(many) < len(few) + 5


def test_trail_is_told_by_database_and_destination(monitor: APIClient, tmp_path: Any) -> None:
    declare_destination("disk", f"file://{tmp_path}/trail.ndjson")
    seal_all()
    verify_audit()
    found = samples(monitor.get(METRICS))
    assert found["gridkit_audit_backlog_records", "default", "disk"] == 1
    assert found["gridkit_audit_destination", "default", "disk", "ready"] == 1
    assert found["gridkit_audit_unsealed_records", "default"] == 1
    assert found["gridkit_audit_unsealed_seconds", "default"] < 60
    assert found["gridkit_audit_sealed_records", "default"] == 1
    assert found["gridkit_audit_verification_faults", "default"] == 0
    assert found["gridkit_audit_gaps", "default"] == 0


def test_exports_are_told_by_state(monitor: APIClient) -> None:
    owner = User.objects.create(username="exporting")
    now = timezone.now()
    lost = {"state": JobState.RUNNING, "lease_until": now - timedelta(seconds=1)}
    alive = {"state": JobState.RUNNING, "lease_until": now + timedelta(minutes=1)}
    done = {"state": JobState.FINISHED, "file_name": "a", "size": 70}
    for fields in ({}, lost, alive, done, {"state": JobState.FAILED}):
        job = ExportJob.objects.create(grid="g", format="csv", owner=owner, **fields)
    ExportSegment.objects.create(job=job, number=0, rows=1, size=7, sha256="", bookmark={}, file_name="b")
    found = samples(monitor.get(METRICS))

    assert {name: found["gridkit_exports", name] for name in ("queued", "running", "lost")} == {
        "queued": 1, "running": 2, "lost": 1,
    }  # fmt: skip
    assert 0 <= found["gridkit_exports_waited_seconds",] < 60
    assert found["gridkit_exports_stored_bytes",] == 77
