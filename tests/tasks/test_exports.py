"""The tasks of exports, through Celery's own call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from gridkit_django.exports import ExporterRegistry, exporters
from gridkit_django.exports import run_export as carry_out
from gridkit_django.grids import grid_registry
from gridkit_django.models import ExportJob, JobState
from gridkit_django.tasks.exports import expire_exports, run_export
from gridkit_django.tasks.queue import CeleryQueue
from tests.celery_app import app
from tests.exports.shop import ExportGrid, Recorder, ask, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def grid_and_format(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "exporters", ExporterRegistry())
    exporters().register("lines", Recorder)
    grid_registry().register(ExportGrid)
    yield
    grid_registry().unregister(ExportGrid.options.id)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.conf, name="task_always_eager", value=True)


@pytest.fixture
def ann(db: None) -> User:
    return person("ann")


def test_tasks_are_found_by_autodiscovery_under_stable_names():
    app.loader.import_default_modules()

    assert {
        "gridkit.run_export", "gridkit.expire_exports", "gridkit.run_plugin_operation", "gridkit.check_plugin_health",
    } <= set(app.tasks)  # fmt: skip


def test_an_export_that_is_asked_for_is_run_by_the_worker_after_the_commit(
    ann: User, eager: None, django_capture_on_commit_callbacks: Any
):
    assert isinstance(apps.get_app_config("gridkit_django").job_queue, CeleryQueue)
    with django_capture_on_commit_callbacks(execute=True):
        job = ask(ann, "lines")
        assert job.state == JobState.QUEUED

    job.refresh_from_db()
    assert job.state == JobState.FINISHED


def test_the_task_takes_an_id_as_text(ann: User):
    job = ask(ann, "lines")
    run_export.apply(args=[str(job.pk)]).get()

    job.refresh_from_db()
    assert job.state == JobState.FINISHED


def test_expired_files_go_when_beat_calls(ann: User):
    job = ask(ann, "lines")
    run_export.apply(args=[str(job.pk)]).get()
    ExportJob.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert expire_exports.apply().get() == 1


def test_a_job_that_the_database_did_not_give_out_is_tried_again(ann: User, monkeypatch: pytest.MonkeyPatch):
    job = ask(ann, "lines")
    calls: list[str] = []

    def locked_once(job_id: str) -> None:
        calls.append(job_id)
        if len(calls) == 1:
            raise OperationalError("database is locked")
        carry_out(job_id)

    monkeypatch.setattr("gridkit_django.tasks.exports.exports.run_export", locked_once)
    run_export.apply(args=[str(job.pk)]).get()

    job.refresh_from_db()
    assert (job.state, len(calls)) == (JobState.FINISHED, 2)
