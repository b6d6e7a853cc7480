"""Jobs of plugins: registered, started, carried out once as the system, and what becomes of those that fail."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from gridkit_django.exceptions import (
    JobArgumentsError,
    JobNotFoundError,
    PluginError,
    PluginJobError,
    PluginLimitError,
    PluginPermissionError,
    PluginStateError,
)
from gridkit_django.models import AuditRecord, InstalledPlugin, PluginJobRun
from gridkit_django.plugins import PluginContext, PluginManager, jobs
from gridkit_django.tasks.jobs import CATCH_UP_TRIES, run_plugin_job
from tests.celery_app import app
from tests.plugins.workers import Worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def worker(manager: PluginManager, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginContext]:
    """The plugin with jobs, at work; what it does on demand is forgotten afterwards."""
    monkeypatch.setattr(Worker, "calls", [])
    monkeypatch.setattr(Worker, "acts", [])
    monkeypatch.setattr(Worker, "act", staticmethod(lambda _call: None))
    manager.install_plugin(Worker)
    yield manager.runtime.live["worker"].plugin.context
    manager.runtime.catalog.remove_object("worker")


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.conf, name="task_always_eager", value=True)


def run_of(manager: PluginManager, name: str = "act", **arguments: Any) -> PluginJobRun:
    """Start a job and carry it out in this process."""
    run_id = manager.run_job("worker", name, arguments).id
    assert manager.carry_out_job(run_id)
    return PluginJobRun.objects.get(pk=run_id)


def acting_like(monkeypatch: pytest.MonkeyPatch, act: Callable[..., Any]) -> None:
    monkeypatch.setattr(Worker, "act", staticmethod(act))


def test_job_that_its_plugin_starts_runs_in_a_worker_after_the_commit(worker: PluginContext, eager: None) -> None:
    with transaction.atomic():
        run_id = worker.jobs.run("count", {"step": 3})
        assert Worker.calls == []

    run = PluginJobRun.objects.get(pk=run_id)
    assert (run.state, run.result, run.scheduled, run.requested_by) == ("finished", 3, False, None)
    (call,) = Worker.calls
    assert (call.job, call.arguments, call.run_id, call.scheduled) == ("count", {"step": 3}, run_id, False)
    assert run.started_at is not None
    assert run.finished_at is not None


@pytest.mark.both_databases
def test_job_of_a_transaction_that_is_rolled_back_never_runs(worker: PluginContext, eager: None) -> None:
    with transaction.atomic():
        worker.jobs.run("count", {"step": 1})
        transaction.set_rollback(True)

    assert not PluginJobRun.objects.exists()
    assert Worker.calls == []


def test_job_acts_as_the_system_for_the_plugin_with_the_run_as_correlation(manager: PluginManager) -> None:
    user = User.objects.create(username="root")
    run_id = manager.run_job("worker", "act", user=user).id
    manager.carry_out_job(run_id)

    (act,) = Worker.acts
    assert (act.actor.kind, act.actor.id, act.source, act.correlation_id) == ("system", "jobs", "system", run_id)
    facts = {"plugin": "worker", "job": "act", "jobRun": run_id, "requestedBy": str(user.pk)}
    assert dict(act.metadata) == facts
    record = AuditRecord.objects.get(action="plugin.run_job")
    assert (record.actor_id, record.context["evidence"]) == (str(user.pk), {"job": "act", "jobRun": run_id})
    assert manager.list_job_runs("worker")[0].requested_by == "root"


@pytest.mark.both_databases
def test_run_is_carried_out_once_however_often_its_message_comes(manager: PluginManager) -> None:
    run = run_of(manager, "count", step=1)

    assert manager.carry_out_job(run.pk)
    assert manager.carry_out_job(uuid.uuid4())
    assert len(Worker.calls) == 1


@pytest.mark.both_databases
def test_run_that_another_worker_takes_meanwhile_is_left_to_it(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = manager.run_job("worker", "act").id

    def take_it() -> None:
        PluginJobRun.objects.update(state="running", started_at=timezone.now())

    monkeypatch.setattr(manager.runtime, "ensure_current", take_it)
    assert manager.carry_out_job(run_id)
    assert Worker.calls == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such carrier"), "ValueError: no such carrier"),
        (SystemExit(3), "SystemExit: 3"),
        (PluginPermissionError("not granted"), "not granted"),
        (PluginJobError("my own words"), "my own words"),
        (SoftTimeLimitExceeded(), "took longer than 300 s"),
    ],
)
@pytest.mark.both_databases
def test_job_that_raises_fails_with_its_reason_and_counts_against_its_plugin(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch, error: BaseException, told: str
) -> None:
    def fail(_call: Any) -> None:
        raise error

    acting_like(monkeypatch, fail)
    run = run_of(manager)

    assert (run.state, run.error_code, run.result) == ("failed", "plugin-job-failed", None)
    assert told in run.error_detail
    live = manager.runtime.live["worker"]
    figures = {item.name: item for item in (stats.figures() for stats in live.all_stats())}
    assert (figures["job act"].calls, figures["job act"].errors, live.failures_in_row) == (1, 1, 1)
    acting_like(monkeypatch, lambda _call: None)
    assert run_of(manager).state == "finished"
    assert live.failures_in_row == 0


def test_plugin_whose_jobs_fail_again_and_again_is_suspended(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.GRIDKIT = {"HANDLER_FAILURES_MAX": 2}
    acting_like(monkeypatch, lambda _call: 1 / 0)

    assert [run_of(manager).state for _ in range(2)] == ["failed", "failed"]

    row = InstalledPlugin.objects.get(plugin_id="worker")
    assert (row.effective_state, row.state_code) == ("suspended", "too-many-failures")


@pytest.mark.parametrize(
    ("result", "told"), [({1, 2}, "no JSON value"), (float("nan"), "no JSON value"), ("x" * 2000, "VALUE_BYTES_MAX")]
)
@pytest.mark.both_databases
def test_result_that_can_not_be_kept_fails_the_run(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch, settings: Any, result: Any, told: str
) -> None:
    settings.GRIDKIT = {"VALUE_BYTES_MAX": 1000}
    acting_like(monkeypatch, lambda _call: result)

    run = run_of(manager)

    assert (run.state, run.error_code) == ("failed", "plugin-job-failed")
    assert told in run.error_detail


@pytest.mark.parametrize(
    ("arguments", "place"),
    [({}, "/arguments"), ({"step": 0}, "/arguments/step"), ({"step": 1, "more": 2}, "/arguments")],
)
def test_arguments_that_break_the_schema_are_refused_at_the_door(
    worker: PluginContext, arguments: dict[str, Any], place: str
) -> None:
    with pytest.raises(JobArgumentsError) as refused:
        worker.jobs.run("count", arguments)

    assert [item.pointer for item in refused.value.errors] == [place]
    assert not PluginJobRun.objects.exists()


@pytest.mark.parametrize("arguments", [{"step": object()}, {"step": float("inf")}, {"step": 1, "more": "x" * 70_000}])
def test_arguments_that_are_no_json_or_too_large_are_refused(worker: PluginContext, arguments: dict[str, Any]) -> None:
    with pytest.raises(JobArgumentsError, match=r"no JSON object|MESSAGE_BYTES_MAX"):
        worker.jobs.run("count", arguments)


def test_arguments_are_held_against_the_schema_of_the_code_that_is_at_work_when_the_run_begins(
    manager: PluginManager,
) -> None:
    run_id = manager.run_job("worker", "count", {"step": 1}).id
    PluginJobRun.objects.update(arguments={"step": "1"})

    manager.carry_out_job(run_id)

    assert PluginJobRun.objects.get().error_code == "plugin-job-arguments-invalid"
    assert Worker.calls == []


def test_job_that_is_not_there_and_plugin_that_is_not_at_work_are_refused(
    manager: PluginManager, worker: PluginContext
) -> None:
    with pytest.raises(JobNotFoundError, match="act, count, tick"):
        worker.jobs.run("fly")
    manager.deactivate_plugin("worker")
    with pytest.raises(JobNotFoundError, match="not at work"):
        manager.run_job("worker", "act")


def test_run_of_a_plugin_that_was_switched_off_meanwhile_fails_with_the_reason(manager: PluginManager) -> None:
    run_id = manager.run_job("worker", "act").id
    manager.deactivate_plugin("worker")

    assert manager.carry_out_job(run_id)
    run = PluginJobRun.objects.get()
    assert (run.state, run.error_code) == ("failed", "plugin-job-unknown")


def test_revoked_permission_takes_the_jobs_away_at_once(manager: PluginManager, worker: PluginContext) -> None:
    run_id = manager.run_job("worker", "act").id
    manager.revoke_permission("worker", "schedule:use")

    assert manager.carry_out_job(run_id)
    assert PluginJobRun.objects.get().error_code == "plugin-job-unknown"
    for use in (lambda: worker.jobs.run("act"), lambda: worker.jobs.register("more", lambda _call: 1, label="More")):
        with pytest.raises(PluginPermissionError):
            use()


def test_worker_that_can_not_catch_up_hands_the_run_back_and_then_fails_it(manager: PluginManager) -> None:
    run_id = manager.run_job("worker", "act").id
    PluginJobRun.objects.update(generation=manager.runtime.generation + 5)

    assert not manager.carry_out_job(run_id)
    assert PluginJobRun.objects.get().state == "queued"

    run_plugin_job.apply(args=[run_id], retries=CATCH_UP_TRIES - 1)
    run = PluginJobRun.objects.get()
    assert (run.state, run.error_code) == ("failed", "plugin-job-failed")
    assert f"generation {manager.runtime.generation} of the plugins and the run needs" in run.error_detail
    assert Worker.calls == []


def test_giving_up_a_run_that_is_gone_does_nothing(manager: PluginManager) -> None:
    manager.give_up_job(uuid.uuid4())

    assert not PluginJobRun.objects.exists()


def test_run_whose_plugin_is_replaced_at_the_moment_of_the_call_is_carried_out_by_the_new_object(
    manager: PluginManager,
) -> None:
    run_id = manager.run_job("worker", "act").id
    old = manager.runtime.live["worker"]
    old.end()
    found = []

    class Late(dict):  # type: ignore[type-arg]
        """Gives the old object out once, as a reader who looked a moment before the swap has it."""

        def get(self, key: str, default: Any = None) -> Any:
            found.append(key)
            return old if len(found) == 1 else new

    manager.reload_plugin("worker")
    new = manager.runtime.live["worker"]
    before, manager.runtime.live = manager.runtime.live, Late()
    try:
        manager.carry_out_job(run_id)
    finally:
        manager.runtime.live = before

    assert PluginJobRun.objects.get(pk=run_id).state == "finished"
    assert len(Worker.calls) == 1
    assert (old.failures_in_row, new.failures_in_row) == (0, 0)


def test_plugin_that_lets_nobody_in_any_more_fails_the_run_with_the_reason(manager: PluginManager) -> None:
    run_id = manager.run_job("worker", "act").id
    manager.runtime.live["worker"].end()

    manager.carry_out_job(run_id)

    run = PluginJobRun.objects.get(pk=run_id)
    assert (run.state, run.error_code) == ("failed", "plugin-state-invalid")


def test_secret_of_the_configuration_does_not_stand_in_the_reason_of_a_failure(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_call: Any) -> None:
        raise ConnectionError("refused by https://user:hush-hush@example.org")

    acting_like(monkeypatch, fail)
    manager.configure_plugin("worker", {"password": "hush-hush"})

    run = run_of(manager)

    assert "refused by" in run.error_detail
    assert "hush-hush" not in run.error_detail


def test_job_over_the_budget_of_handlers_is_not_slow_and_no_reason_to_call_its_plugin_so(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.GRIDKIT = {"HANDLER_BUDGET_MS": 0}
    run_of(manager)

    (figures,) = [
        item for item in (stats.figures() for stats in manager.runtime.live["worker"].all_stats()) if item.calls
    ]
    assert (figures.name, figures.slow) == ("job act", 0)
    assert manager.check_plugin_health("worker").status == "healthy"


def test_run_asks_for_the_generation_of_the_moment_at_which_it_was_started(manager: PluginManager) -> None:
    manager.grant_permission("worker", "rows:read")
    run_id = manager.run_job("worker", "act").id

    assert PluginJobRun.objects.get(pk=run_id).generation == manager.runtime.generations.current() > 1


def test_queue_that_can_not_be_reached_fails_the_run_and_not_the_caller(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(run_plugin_job, "apply_async", refuse)
    run = PluginJobRun.objects.get(pk=manager.run_job("worker", "act").id)

    assert (run.state, run.error_code) == ("failed", "task-queue-unreachable")
    assert "ConnectionError" in run.error_detail


def test_delay_out_of_bounds_is_refused(worker: PluginContext) -> None:
    for delay in (-1, 86_401):
        with pytest.raises(PluginJobError, match="delayed by 0 to 86400"):
            worker.jobs.run("act", delay_seconds=delay)


def test_plugin_may_not_fill_the_queue(worker: PluginContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "QUEUED_MAX", 2)
    worker.jobs.run("act")
    worker.jobs.run("act", delay_seconds=60)

    with pytest.raises(PluginLimitError, match="2 runs of worker wait"):
        worker.jobs.run("act")


@pytest.mark.parametrize(
    ("values", "error", "told"),
    [
        ({"name": "Act"}, PluginError, "no job name"),
        ({"name": "act"}, PluginStateError, "already"),
        ({"label": ""}, PluginError, "label"),
        ({"label": "x" * 201}, PluginError, "label"),
        ({"schema": {"type": "nonsense"}}, PluginError, "no JSON Schema"),
        ({"cron": "never"}, PluginError, "crontab"),
        ({"every": timedelta(hours=1), "schema": {"type": "object", "required": ["step"]}}, PluginError, "wants some"),
    ],
)
def test_job_that_is_declared_wrongly_is_refused(
    worker: PluginContext, values: dict[str, Any], error: type[PluginError], told: str
) -> None:
    wish: dict[str, Any] = {"name": "new", "label": "New", "handler": lambda _call: None, **values}

    with pytest.raises(error, match=told):
        worker.jobs.register(wish.pop("name"), wish.pop("handler"), **wish)


def test_schema_that_refers_to_what_it_does_not_hold_is_told_as_the_authors_fault(worker: PluginContext) -> None:
    worker.jobs.register("bad", lambda _call: None, label="Bad", schema={"$ref": "https://example.org/schema"})

    with pytest.raises(PluginJobError, match="not in it"):
        worker.jobs.run("bad")


def test_plugin_has_fifty_jobs_at_most_and_one_that_is_taken_back_makes_room(worker: PluginContext) -> None:
    taken_back = [worker.jobs.register(f"job-{n}", lambda _call: None, label="Job") for n in range(jobs.JOBS_MAX - 3)]
    with pytest.raises(PluginLimitError, match="50 jobs"):
        worker.jobs.register("more", lambda _call: None, label="More")

    taken_back[0]()
    taken_back[0]()

    worker.jobs.register("more", lambda _call: None, label="More")


@pytest.mark.both_databases
def test_lost_runs_are_failed_with_a_reason_and_a_slow_worker_does_not_change_the_verdict(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(call: Any) -> str:
        """Be away for so long that the run is given up."""
        PluginJobRun.objects.filter(pk=call.run_id).update(started_at=timezone.now() - timedelta(seconds=400))
        manager.tidy_job_runs()
        return "too late"

    acting_like(monkeypatch, die)
    waiting = manager.run_job("worker", "count", {"step": 1}).id
    forgotten = manager.run_job("worker", "count", {"step": 1}).id
    PluginJobRun.objects.filter(pk=forgotten).update(created_at=timezone.now() - timedelta(days=3))

    run = run_of(manager)

    assert (run.state, run.error_code, run.result) == ("failed", "job-lost", None)
    assert "worker ended" in run.error_detail
    assert PluginJobRun.objects.get(pk=forgotten).error_code == "job-lost"
    assert PluginJobRun.objects.get(pk=waiting).state == "queued"


@pytest.mark.both_databases
def test_history_keeps_a_month_and_the_newest_hundred_runs_of_a_plugin(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridkit_django.plugins.job_runs.RUNS_KEPT", 3)
    old = run_of(manager)
    PluginJobRun.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=31))
    waiting = manager.run_job("worker", "act").id
    newer = [run_of(manager).pk for _ in range(4)]

    manager.tidy_job_runs()

    kept = {str(pk) for pk in PluginJobRun.objects.values_list("pk", flat=True)}
    assert kept == {waiting, *(str(pk) for pk in newer[1:])}


def test_runs_are_listed_newest_first_and_by_job(manager: PluginManager) -> None:
    first, second = run_of(manager), run_of(manager, "count", step=2)

    assert [run.id for run in manager.list_job_runs("worker")] == [str(second.pk), str(first.pk)]
    assert [(run.job, run.result) for run in manager.list_job_runs("worker", "count")] == [("count", 2)]
    assert len(manager.list_job_runs("worker", limit=1)) == 1


def test_jobs_are_listed_with_their_schema_and_newest_run(manager: PluginManager) -> None:
    run_of(manager, "count", step=1)
    newest = run_of(manager, "count", step=1)

    found = {job.name: job for job in manager.list_jobs("worker")}

    assert list(found) == ["act", "count", "tick"]
    assert (found["count"].last_run or newest).id == str(newest.pk)
    assert found["count"].schema["required"] == ["step"]
    assert (found["tick"].every_seconds, found["tick"].next_run_at, found["act"].last_run) == (300, None, None)
    assert all(job.available for job in found.values())
