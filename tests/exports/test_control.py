"""What owners and others may do with a job."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core.files.storage import default_storage
from django.utils import timezone

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AccessDeniedError, ExportNotFoundError, ExportNotReadyError, GridNotFoundError
from gridkit_django.exports import cancel_export, describe_job, get_job, open_result, run_export
from gridkit_django.models import AuditRecord, ExportJob, JobState
from tests.exports.shop import ask, person

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def finished(ann: User) -> ExportJob:
    job = ask(ann, columns=["sku"])
    run_export(job.pk)
    job.refresh_from_db()
    return job


def test_an_owner_finds_the_job_and_nobody_else_does(ann: User, bob: User):
    job = ask(ann)

    assert get_job(job.pk, ann) == job
    assert get_job(str(job.pk), ann) == job
    for job_id, user in ((job.pk, bob), (job.pk, AnonymousUser()), ("no uuid", ann)):
        with pytest.raises(ExportNotFoundError, match="no export with this id"):
            get_job(job_id, user)


def test_a_queued_job_is_cancelled_at_once_and_recorded(ann: User):
    job = cancel_export(ask(ann), ann)

    assert (job.state, job.cancel_requested) == (JobState.CANCELLED, True)
    assert job.finished_at is not None
    assert AuditRecord.objects.get(action="export.finish").context["evidence"]["state"] == "cancelled"
    assert describe_job(job)["state"] == "cancelled"


def test_a_running_job_is_asked_to_stop(ann: User):
    job = ask(ann)
    ExportJob.objects.update(state=JobState.RUNNING)
    job = cancel_export(job, ann)

    assert (job.state, job.cancel_requested) == (JobState.RUNNING, True)


def test_a_job_that_has_ended_stays_as_it_is(finished: ExportJob, ann: User):
    job = cancel_export(finished, ann)

    assert (job.state, job.cancel_requested) == (JobState.FINISHED, False)


def test_others_can_cancel_only_with_the_right_to(ann: User, bob: User):
    job = ask(ann)
    with pytest.raises(ExportNotFoundError):
        cancel_export(job, bob)
    admin = person("root", "gridkit_django.change_exportjob")

    assert cancel_export(job, admin).state == JobState.CANCELLED


def test_the_owner_opens_the_file_and_each_download_is_recorded(finished: ExportJob, ann: User):
    with acting(Actor.from_user(ann), EventSource.API):
        result = open_result(finished.pk, ann)
    with result.file as file:
        assert file.read() == b"sku\r\n"
    assert result.job == finished
    record = AuditRecord.objects.get(action="export.download")
    assert (record.actor_id, record.target_id) == (str(ann.pk), str(finished.pk))
    assert record.context["evidence"] == {"format": "csv", "size": 5}


def test_nobody_else_opens_the_file(finished: ExportJob, bob: User):
    for user in (bob, person("root", "gridkit_django.change_exportjob")):
        with pytest.raises(ExportNotFoundError):
            open_result(finished.pk, user)
    assert not AuditRecord.objects.filter(action="export.download").exists()


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.CANCELLED])
def test_a_job_that_is_not_finished_has_no_file(finished: ExportJob, ann: User, state: JobState):
    ExportJob.objects.update(state=state)

    with pytest.raises(ExportNotReadyError) as caught:
        open_result(finished.pk, ann)
    assert caught.value.extra == {"state": state.value}


@pytest.mark.parametrize("right", ["open_grid", "export_grid"])
def test_an_owner_who_lost_the_right_can_not_fetch_the_file_any_more(finished: ExportJob, ann: User, right: str):
    ann.user_permissions.remove(*ann.user_permissions.filter(codename=right))

    with pytest.raises((GridNotFoundError, AccessDeniedError)):
        open_result(finished.pk, User.objects.get(pk=ann.pk))


def test_a_file_with_a_column_that_the_owner_may_not_see_any_more_is_not_given_out(ann: User):
    ann.user_permissions.add(Permission.objects.get(codename="view_price"))
    job = ask(User.objects.get(pk=ann.pk), columns=["sku", "price"])
    run_export(job.pk)
    open_result(job.pk, User.objects.get(pk=ann.pk)).file.close()
    ann.user_permissions.remove(*ann.user_permissions.filter(codename="view_price"))

    with pytest.raises(ExportNotReadyError, match="Ask for it again") as caught:
        open_result(job.pk, User.objects.get(pk=ann.pk))

    assert "price" not in caught.value.detail


def test_an_expired_or_vanished_file_says_so(finished: ExportJob, ann: User):
    default_storage.delete(finished.file_name)
    with pytest.raises(ExportNotReadyError) as vanished:
        open_result(finished.pk, ann)
    ExportJob.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ExportNotReadyError, match="has expired") as expired:
        open_result(finished.pk, ann)

    assert vanished.value.extra == expired.value.extra == {"expired": True}
