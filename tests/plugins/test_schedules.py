"""Schedules: rows in step with what plugins registered, each due job started once, pauses that last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from gridkit_django.exceptions import JobNotFoundError
from gridkit_django.models import AuditRecord, InstalledPlugin, PluginJobRun, PluginSchedule
from gridkit_django.plugins import PluginManager, schedules
from gridkit_django.tasks.jobs import run_due_jobs
from tests.plugins.workers import Worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def worker(manager: PluginManager, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Worker, "timings", {"tick": {"every": timedelta(minutes=5)}})
    manager.install_plugin(Worker)
    yield
    manager.runtime.catalog.remove_object("worker")


@pytest.fixture
def schedule(worker: None, manager: PluginManager) -> PluginSchedule:
    """The stored schedule of the job ``tick``, not due yet."""
    manager.run_due_jobs()
    return PluginSchedule.objects.get()


def make_due(minutes: float = 1) -> None:
    PluginSchedule.objects.update(next_run_at=timezone.now() - timedelta(minutes=minutes))


def register(manager: PluginManager, monkeypatch: pytest.MonkeyPatch, **timings: dict[str, Any]) -> None:
    """Let the plugin start anew with other jobs, as with another configuration."""
    monkeypatch.setattr(Worker, "timings", timings)
    manager.deactivate_plugin("worker")
    manager.activate_plugin("worker")


def test_schedule_is_stored_once_a_worker_sees_the_plugin_at_work(schedule: PluginSchedule) -> None:
    assert (schedule.job, schedule.label, schedule.every_seconds, schedule.cron) == ("tick", "Tick", 300, "")
    assert timedelta(minutes=4) < schedule.next_run_at - timezone.now() <= timedelta(minutes=5)
    assert not PluginJobRun.objects.exists()


def test_schedules_that_are_in_step_are_only_read(
    manager: PluginManager, schedule: PluginSchedule, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(3) as asked:
        manager.run_due_jobs()

    assert all(query["sql"].startswith("SELECT") for query in asked.captured_queries)


def test_due_job_is_started_by_the_task_and_moved_on(manager: PluginManager, schedule: PluginSchedule) -> None:
    make_due()
    before = PluginSchedule.objects.get().next_run_at

    assert run_due_jobs.apply().get() == 1

    run, row = PluginJobRun.objects.get(), PluginSchedule.objects.get()
    assert (run.job, run.scheduled, run.arguments, run.state) == ("tick", True, {}, "queued")
    assert run.generation == manager.runtime.generation
    assert row.next_run_at == before + timedelta(minutes=5)
    assert row.last_run_at is not None
    assert run_due_jobs.apply().get() == 0


def test_times_that_were_missed_are_made_up_for_once(manager: PluginManager, schedule: PluginSchedule) -> None:
    make_due(minutes=5 * 24 * 60)

    assert [manager.run_due_jobs() for _ in range(3)] == [1, 0, 0]
    assert PluginSchedule.objects.get().next_run_at > timezone.now()


def test_job_is_not_started_again_while_its_last_scheduled_run_is_under_way(
    manager: PluginManager, schedule: PluginSchedule
) -> None:
    make_due()
    manager.run_due_jobs()
    make_due()
    assert manager.run_due_jobs() == 0
    assert PluginSchedule.objects.get().next_run_at > timezone.now()

    manager.carry_out_job(PluginJobRun.objects.get().pk)
    make_due()
    assert manager.run_due_jobs() == 1


def test_second_clock_that_saw_the_same_row_starts_nothing(manager: PluginManager, schedule: PluginSchedule) -> None:
    make_due()
    row = PluginSchedule.objects.select_related("plugin").get()

    assert schedules._start_once(manager.runtime, row, timezone.now())
    assert not schedules._start_once(manager.runtime, row, timezone.now())


def test_schedule_of_a_plugin_that_is_not_at_work_does_nothing_and_is_not_lost(
    manager: PluginManager, schedule: PluginSchedule
) -> None:
    manager.deactivate_plugin("worker")
    make_due(minutes=60)
    assert manager.run_due_jobs() == 0
    (job,) = manager.list_jobs("worker")
    assert (job.name, job.available, job.every_seconds, job.schema) == ("tick", False, 300, {})

    manager.activate_plugin("worker")
    assert manager.run_due_jobs() == 1
    assert PluginSchedule.objects.get().pk == schedule.pk


def test_schedule_stops_when_the_permission_is_revoked(manager: PluginManager, schedule: PluginSchedule) -> None:
    manager.revoke_permission("worker", "schedule:use")
    make_due()

    assert manager.run_due_jobs() == 0
    assert PluginSchedule.objects.count() == 1


def test_paused_schedule_stays_paused_until_a_person_resumes_it(
    manager: PluginManager, schedule: PluginSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = User.objects.create(username="root")
    manager.pause_job("worker", "tick", user=user)
    manager.pause_job("worker", "tick", user=user)
    make_due(minutes=60)
    register(manager, monkeypatch, tick={"cron": "0 6 * * *"})
    assert manager.run_due_jobs() == 0
    row = PluginSchedule.objects.get()
    assert (row.enabled, row.cron, row.every_seconds) == (False, "0 6 * * *", None)
    assert {job.name: job.paused for job in manager.list_jobs("worker")} == {"act": False, "count": False, "tick": True}

    manager.resume_job("worker", "tick", user=user)

    assert PluginSchedule.objects.get().next_run_at > timezone.now()
    told = AuditRecord.objects.filter(action__endswith="_job").order_by("pk").values_list("action", "actor_id")
    assert list(told) == [("plugin.pause_job", str(user.pk)), ("plugin.resume_job", str(user.pk))]


def test_pausing_a_job_without_a_schedule_is_refused(manager: PluginManager, schedule: PluginSchedule) -> None:
    with pytest.raises(JobNotFoundError, match="no schedule"):
        manager.pause_job("worker", "act")


def test_schedule_follows_what_the_plugin_registers_now(
    manager: PluginManager, schedule: PluginSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(manager, monkeypatch, tick={"every": timedelta(hours=2)}, tock={"cron": "*/5 * * * *"})
    manager.run_due_jobs()
    rows = {row.job: (row.every_seconds, row.cron) for row in PluginSchedule.objects.all()}
    assert rows == {"tick": (7200, ""), "tock": (None, "*/5 * * * *")}
    assert PluginSchedule.objects.get(job="tick").pk == schedule.pk


def test_schedule_that_is_not_registered_any_more_goes_unless_it_is_paused(
    manager: PluginManager, schedule: PluginSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(manager, monkeypatch, tick={"every": timedelta(hours=1)}, tock={"every": timedelta(hours=1)})
    manager.run_due_jobs()
    manager.pause_job("worker", "tock")
    register(manager, monkeypatch)
    make_due()

    assert manager.run_due_jobs() == 0
    assert [(row.job, row.enabled) for row in PluginSchedule.objects.all()] == [("tock", False)]


def test_old_object_that_goes_on_serving_does_not_write_its_schedules(
    manager: PluginManager, schedule: PluginSchedule
) -> None:
    InstalledPlugin.objects.update(revision=99)
    PluginSchedule.objects.update(label="from the newer one")

    schedules.run_due_jobs(manager.runtime)

    assert PluginSchedule.objects.get().label == "from the newer one"
