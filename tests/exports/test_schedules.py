"""Exports on a schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from gridkit_django.exports import run_due_exports, run_export, run_schedule, schedules
from gridkit_django.models import AuditRecord, ExportJob, ExportSchedule, JobState, SavedView
from gridkit_django.tasks.export_notices import run_due_exports as beat
from tests.exports.shop import GRID, products

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def schedule(owner: User, **fields: Any) -> ExportSchedule:
    told = {"name": "s", "grid": GRID, "format": "csv", "cron": "0 6 * * *", "notify": False, "owner": owner}
    return ExportSchedule.objects.create(**{**told, "next_run_at": timezone.now() - timedelta(days=3), **fields})


def test_what_is_due_is_asked_for_once_and_moves_on(bob: User):
    products(2)
    row = schedule(bob, query={"columns": ["sku"]}, options={"header": "none"})
    schedule(bob, name="paused", enabled=False)
    schedule(bob, name="later", next_run_at=timezone.now() + timedelta(hours=1))

    assert run_due_exports() == 1
    assert run_due_exports() == 0
    job = ExportJob.objects.get()
    assert (job.owner, job.schedule, job.options) == (bob, row, {"header": "none"})
    assert job.query["columns"] == ["sku"]
    row.refresh_from_db()
    assert row.next_run_at is not None
    assert row.next_run_at > timezone.now()
    assert row.last_run_at is not None
    run_export(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FINISHED


def test_it_is_not_asked_for_again_while_the_last_one_is_under_way(bob: User):
    row = schedule(bob)
    assert beat.apply().get() == 1
    ExportSchedule.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
    assert run_due_exports() == 0
    assert row.jobs.count() == 1


def test_a_lost_right_is_noted_and_tried_again_at_the_next_time(bob: User):
    row = schedule(bob)
    bob.user_permissions.remove(Permission.objects.get(codename="export_grid"))
    assert run_due_exports() == 0
    row.refresh_from_db()
    assert "may not export" in row.last_error
    assert row.enabled
    bob.user_permissions.add(Permission.objects.get(codename="export_grid"))
    assert run_schedule(ExportSchedule.objects.get(pk=row.pk)) is not None
    row.refresh_from_db()
    assert row.last_error == ""


def test_a_view_that_is_gone_exports_nothing(bob: User):
    view = SavedView.objects.create(grid=GRID, name="v", owner=bob, state={"v": 1, "query": {"search": "x"}})
    row = schedule(bob, view=view.pk)
    assert run_due_exports() == 1
    assert ExportJob.objects.get().query["search"] == "x"
    ExportJob.objects.update(state=JobState.FINISHED)
    view.delete()
    ExportSchedule.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
    assert run_due_exports() == 0
    row.refresh_from_db()
    assert "no view" in row.last_error


def test_a_crontab_that_can_not_be_read_ends_the_schedule(bob: User):
    row = schedule(bob, cron="never")
    assert run_due_exports() == 0
    row.refresh_from_db()
    assert not row.enabled
    assert "no crontab" in row.last_error
    record = AuditRecord.objects.get(action="export.schedule")
    assert (record.actor_kind, (record.evidence or {})["enabled"]) == ("system", False)
    assert "no crontab" in (record.evidence or {})["why"]


@pytest.mark.parametrize("broken", [{"query": [1]}, {"query": "all"}, {"options": [1]}, {"options": 5}])
def test_a_schedule_that_holds_nonsense_is_noted_and_stops_no_other(bob: User, broken: dict[str, Any]):
    row = schedule(bob, next_run_at=timezone.now() - timedelta(days=5), **broken)
    schedule(bob, name="healthy")
    assert run_due_exports() == 1
    row.refresh_from_db()
    assert "Expected an object" in row.last_error


def test_a_schedule_that_meets_what_nobody_foresaw_stops_no_other(bob: User, monkeypatch: pytest.MonkeyPatch):
    row = schedule(bob, next_run_at=timezone.now() - timedelta(days=5), format="odd")
    schedule(bob, name="healthy")
    made = schedules.create_export

    def break_down(grid: str, query: Any, name: str, *args: Any, **how: Any) -> ExportJob:
        if name == "odd":
            raise RuntimeError("secret")
        return made(grid, query, name, *args, **how)

    monkeypatch.setattr(schedules, "create_export", break_down)
    assert run_due_exports() == 1
    row.refresh_from_db()
    assert "RuntimeError" in row.last_error
    assert "secret" not in row.last_error
