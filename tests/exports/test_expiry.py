"""Cleaning up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.utils import timezone

from gridkit_django.exports import expire_exports, run_export
from gridkit_django.models import AuditRecord, ExportJob, JobState
from tests.exports.shop import ask

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def finished(user: User) -> ExportJob:
    job = ask(user)
    run_export(job.pk)
    job.refresh_from_db()
    return job


def ago(**spent: float) -> Any:
    return timezone.now() - timedelta(**spent)


def test_files_past_their_time_are_deleted_and_the_rows_stay(ann: User):
    old, fresh = finished(ann), finished(ann)
    ExportJob.objects.filter(pk=old.pk).update(expires_at=ago(seconds=1))

    assert expire_exports() == 1
    assert expire_exports() == 0
    assert not default_storage.exists(old.file_name)
    assert default_storage.exists(fresh.file_name)
    old.refresh_from_db()
    assert (old.state, old.file_name) == (JobState.FINISHED, "")


def test_running_jobs_that_nobody_goes_on_with_fail_and_others_go_on(ann: User):
    lost, alive = ask(ann), ask(ann)
    ExportJob.objects.filter(pk=lost.pk).update(state=JobState.RUNNING, lease_until=ago(minutes=61))
    ExportJob.objects.filter(pk=alive.pk).update(state=JobState.RUNNING, lease_until=ago(minutes=59))
    expire_exports()

    lost.refresh_from_db()
    alive.refresh_from_db()
    assert (lost.state, lost.error_code) == (JobState.FAILED, "export-lost")
    assert alive.state == JobState.RUNNING
    assert AuditRecord.objects.get(action="export.finish").target_id == str(lost.pk)


def test_a_queued_job_that_nobody_took_fails_after_the_time_that_files_are_kept(ann: User, settings: Any):
    settings.GRIDKIT = {"EXPORT_EXPIRY_HOURS": 2}
    forgotten, waiting = ask(ann), ask(ann)
    ExportJob.objects.filter(pk=forgotten.pk).update(created_at=ago(hours=3))
    expire_exports()

    states = dict(ExportJob.objects.values_list("pk", "state"))
    assert states == {forgotten.pk: JobState.FAILED, waiting.pk: JobState.QUEUED}


def test_lost_jobs_do_not_count_against_their_owner(ann: User, settings: Any):
    settings.GRIDKIT = {"EXPORT_JOBS_PER_USER": 1}
    lost = ask(ann)
    ExportJob.objects.filter(pk=lost.pk).update(state=JobState.RUNNING, lease_until=ago(minutes=61))

    assert ask(ann).state == JobState.QUEUED


@pytest.mark.parametrize("what", ["job", "owner"])
def test_a_file_goes_with_its_job_once_that_is_committed(ann: User, what: str, django_capture_on_commit_callbacks: Any):
    job = finished(ann)
    with django_capture_on_commit_callbacks(execute=True):
        job.delete() if what == "job" else ann.delete()
        assert default_storage.exists(job.file_name)

    assert not default_storage.exists(job.file_name)
    assert not ExportJob.objects.exists()
