"""Jobs of plugins over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from gridkit_django.models import AuditRecord, PluginJobRun
from gridkit_django.plugins import PluginManager, plugin_manager
from tests.api.plugins import TOILER
from tests.api.test_base import assert_problem
from tests.api.test_plugins import AFTER_COMMIT

TOILERS = f"/gridkit/api/plugins/{TOILER}/"

pytestmark = [AFTER_COMMIT, pytest.mark.both_databases]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ids of runs that were handed to a worker."""
    found: list[Any] = []
    queue = type("Queue", (), {"__getattr__": lambda _self, _name: lambda *given, **_named: found.extend(given)})()
    monkeypatch.setattr("gridkit_django.plugins.job_runs.plugin_queue", lambda: queue)
    return found


@pytest.fixture
def client(manager: PluginManager, person: Callable[..., APIClient], handed: list[Any]) -> APIClient:
    manager.install_plugin("object:tests.api.plugins.Toiler", grants=["schedule:use"])
    return person("activate")


def test_job_is_run_by_a_worker_and_can_be_followed(client: APIClient, handed: list[Any]) -> None:
    response = client.post(TOILERS + "jobs/count/run/", {"arguments": {"to": 3}}, format="json")
    run = response.json()["run"]
    assert (response.status_code, run["state"], run["arguments"]) == (202, "queued", {"to": 3})
    assert (run["requestedBy"], run["scheduled"], run["error"]) == ("activate", False, None)
    assert [str(item) for item in handed][:1] == [run["id"]]
    plugin_manager().carry_out_job(run["id"])
    (done,) = client.get(TOILERS + "job-runs/").json()["results"]
    assert (done["id"], done["state"], done["result"]) == (run["id"], "finished", {"counted": 3})
    record = AuditRecord.objects.get(action="plugin.run_job")
    assert (record.actor_label, record.context["source"]) == ("activate", "api")


def test_jobs_are_listed_with_their_schedule_and_newest_run(client: APIClient) -> None:
    client.post(TOILERS + "jobs/count/run/", {}, format="json")
    (job,) = client.get(TOILERS + "jobs/").json()["results"]
    assert (job["name"], job["label"], job["available"], job["everySeconds"], job["cron"]) == (
        "count",
        "Count",
        True,
        3600,
        None,
    )
    assert job["arguments"]["properties"] == {"to": {"type": "integer"}}
    assert (job["paused"], job["lastRun"]["state"]) == (False, "queued")


def test_schedule_is_paused_and_resumed(client: APIClient, manager: PluginManager) -> None:
    manager.run_due_jobs()
    for act, paused in (("pause", True), ("resume", False)):
        (job,) = client.post(f"{TOILERS}jobs/count/{act}/", {}, format="json").json()["results"]
        assert job["paused"] is paused
    assert_problem(client.post(TOILERS + "jobs/none/pause/", {}, format="json"), 404, "plugin-job-unknown")


def test_job_that_is_none_and_arguments_that_do_not_fit_are_refused(client: APIClient) -> None:
    assert_problem(client.post(TOILERS + "jobs/none/run/", {}, format="json"), 404, "plugin-job-unknown")
    wish = {"arguments": {"to": "x"}}
    response = client.post(TOILERS + "jobs/count/run/", wish, format="json")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/arguments/to"
    assert not PluginJobRun.objects.exists()


def test_runs_are_chosen_by_job_and_number(client: APIClient) -> None:
    for _ in range(3):
        client.post(TOILERS + "jobs/count/run/", {}, format="json")
    assert len(client.get(TOILERS + "job-runs/?job=count&size=2").json()["results"]) == 2
    assert client.get(TOILERS + "job-runs/?job=other").json()["results"] == []
    assert_problem(client.get(TOILERS + "job-runs/?size=501"), 422, "filter-value-invalid")


def test_failed_run_says_why(client: APIClient, manager: PluginManager) -> None:
    run = client.post(TOILERS + "jobs/count/run/", {}, format="json").json()["run"]
    manager.deactivate_plugin(TOILER)
    manager.carry_out_job(run["id"])
    (failed,) = client.get(TOILERS + "job-runs/").json()["results"]
    assert (failed["state"], bool(failed["error"]["detail"])) == ("failed", True)
    (job,) = client.get(TOILERS + "jobs/").json()["results"] or [{"available": False}]
    assert job["available"] is False
