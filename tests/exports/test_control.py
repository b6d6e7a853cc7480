"""What owners and others may do with a job."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import (
    AccessDeniedError,
    ExportNotFoundError,
    ExportNotReadyError,
    ExportStorageError,
    GridNotFoundError,
)
from gridkit_django.exports import cancel_export, create_export, describe_job, get_job, open_result, run_export
from gridkit_django.models import AuditRecord, ExportJob, JobState
from tests.exports.shop import GRID, ask, person, products

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


def test_a_file_of_a_search_over_a_column_that_the_owner_lost_is_not_given_out(ann: User):
    products(10)
    whole = {"search": "9", "columns": ["sku"]}
    jobs = [ask(ann, **whole), create_export(GRID, whole, "csv", ann, rows={"exclude": ["1"]})]
    named = ask(ann, columns=["sku"], filter={"op": "eq", "col": "name", "value": "x"})
    for job in (*jobs, named):
        run_export(job.pk)
        open_result(job.pk, User.objects.get(pk=ann.pk)).file.close()
    ann.user_permissions.remove(*ann.user_permissions.filter(codename="view_price"))

    for job in jobs:
        with pytest.raises(ExportNotReadyError, match="Ask for it again") as caught:
            open_result(job.pk, User.objects.get(pk=ann.pk))
        assert "price" not in caught.value.detail
    open_result(named.pk, User.objects.get(pk=ann.pk)).file.close()


class TestDamage:
    """What the storage made of a finished file is not handed out in its name."""

    @pytest.fixture
    def large(self, ann: User) -> ExportJob:
        products(20)
        job = ask(ann)
        run_export(job.pk)
        job.refresh_from_db()
        return job

    def put(self, job: ExportJob, change: Callable[[bytes], bytes]) -> bytes:
        """Change the stored file, and return what it was before."""
        with default_storage.open(job.file_name) as file:
            before = file.read()
        default_storage.delete(job.file_name)
        default_storage.save(job.file_name, ContentFile(change(before)))
        return before

    @pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b""])
    def test_a_file_of_another_size_is_refused_and_told_in_the_log_and_no_download(
        self, large: ExportJob, ann: User, change: Any, caplog: Any
    ):
        self.put(large, change)
        with pytest.raises(ExportNotReadyError, match="not as it was written") as caught:
            open_result(large.pk, ann)

        assert caught.value.extra == {"expired": True}
        assert str(large.pk) in caplog.text
        assert not AuditRecord.objects.filter(action="export.download").exists()

    @pytest.mark.parametrize("size", [-1, 64])
    def test_changed_bytes_are_noticed_before_the_last_block_is_handed_out(
        self, large: ExportJob, ann: User, size: int
    ):
        before = self.put(large, lambda data: b"X" + data[1:])
        got: list[bytes] = []
        with open_result(large.pk, ann).file as file, pytest.raises(ExportNotReadyError):
            got.extend(iter(partial(file.read, size), b""))
        assert sum(map(len, got)) < len(before)

    def test_a_file_that_ends_before_the_size_that_the_storage_tells_is_noticed(
        self, large: ExportJob, ann: User, monkeypatch: pytest.MonkeyPatch
    ):
        short = ContentFile(b"0123456789")
        short.size = large.size
        monkeypatch.setattr(default_storage, "_open", lambda name, mode: short)
        with open_result(large.pk, ann).file as file:
            assert file.read(10) == b"0123456789"
            with pytest.raises(ExportNotReadyError):
                file.read(10)

    def test_parts_are_read_from_any_place_and_not_summed_up(self, large: ExportJob, ann: User):
        before = self.put(large, lambda data: b"X" + data[1:])
        with open_result(large.pk, ann).file as file:
            assert file.seekable()
            assert (file.seek(-5, io.SEEK_END), file.read(), file.read()) == (large.size - 5, before[-5:], b"")
            assert (file.seek(3), file.tell(), file.read(4), file.tell()) == (3, 3, before[3:7], 7)
            assert not hasattr(file, "fileno")

    def test_a_storage_that_can_not_be_asked_is_no_expired_file(
        self, large: ExportJob, ann: User, monkeypatch: pytest.MonkeyPatch
    ):
        def refuse(name: str, mode: str = "rb") -> None:
            raise ConnectionError("secret host")

        monkeypatch.setattr(default_storage, "_open", refuse)
        with pytest.raises(ExportStorageError, match="ConnectionError") as caught:
            open_result(large.pk, ann)
        assert "secret" not in caught.value.detail


def test_an_expired_or_vanished_file_says_so(finished: ExportJob, ann: User):
    default_storage.delete(finished.file_name)
    with pytest.raises(ExportNotReadyError) as vanished:
        open_result(finished.pk, ann)
    ExportJob.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ExportNotReadyError, match="has expired") as expired:
        open_result(finished.pk, ann)

    assert vanished.value.extra == expired.value.extra == {"expired": True}
