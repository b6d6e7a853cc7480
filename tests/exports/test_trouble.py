"""Trouble on the way: the storage fails, the disk is full, the database goes, the worker has to end."""

from __future__ import annotations

import errno
import json
import os
from datetime import timedelta
from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import OperationalError
from django.utils import timezone

from gridkit_django.exceptions import ExportLimitError, ExportNotFoundError, GridNotFoundError
from gridkit_django.exports import expire_exports, open_result, retry_export, run_export, scratch
from gridkit_django.exports.limits import stored_bytes
from gridkit_django.exports.retrying import BACK_OFF_SECONDS
from gridkit_django.exports.segments import SegmentPlace
from gridkit_django.models import AuditRecord, ExportJob, JobState
from tests.exports.segmented import Pieces
from tests.exports.shop import ask, person, products
from tests.exports.stored import stored_files
from tests.exports.troubled import TroubledStorage
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.usefixtures("empty_storage")]


@pytest.fixture
def elsewhere(settings: Any) -> TroubledStorage:
    """A storage that is no folder of this machine."""
    settings.STORAGES = {**settings.STORAGES, "elsewhere": {"BACKEND": "tests.exports.troubled.TroubledStorage"}}
    settings.GRIDKIT = {"EXPORT_STORAGE": "elsewhere"}
    return cast("TroubledStorage", storages["elsewhere"])


def run(job: ExportJob) -> ExportJob:
    """Run a job whose time has come."""
    ExportJob.objects.filter(pk=job.pk).update(retry_at=None)
    run_export(job.pk)
    job.refresh_from_db()
    return job


def cells(job: ExportJob) -> list[str]:
    assert job.state == JobState.FINISHED, job.error_detail
    with open_result(job.pk, job.owner).file as file:
        return [json.loads(line)[0] for line in file.read().splitlines()]


def in_order() -> list[str]:
    return list(Product.objects.order_by("-stock").values_list("sku", flat=True))


def once(pieces: type[Pieces], number: int, error: BaseException) -> None:
    """Let the worker meet this error once, at a segment."""

    def act(place: SegmentPlace) -> None:
        if place.number == number:
            pieces.act = staticmethod(lambda place: None)
            raise error

    pieces.act = staticmethod(act)


def test_files_go_to_a_storage_that_is_no_folder(ann: User, pieces: type[Pieces], elsewhere: TroubledStorage):
    products(10)
    job = run(ask(ann, "pieces"))

    assert cells(job) == in_order()
    assert stored_files(elsewhere) == [job.file_name]
    assert stored_files() == []


def test_segments_are_fetched_from_a_storage_that_is_no_folder_by_the_next_worker(
    ann: User, pieces: type[Pieces], elsewhere: TroubledStorage
):
    products(10)
    once(pieces, 2, OperationalError("gone"))
    job = run(ask(ann, "pieces"))
    assert (job.state, len(stored_files(elsewhere))) == (JobState.QUEUED, 2)

    assert cells(run(job)) == in_order()
    assert [place.number for place in pieces.written] == [0, 1, 2, 2, 3]


@pytest.mark.parametrize("failing", ["save", "open"])
def test_a_storage_that_fails_is_tried_again_where_it_failed(
    ann: User, pieces: type[Pieces], elsewhere: TroubledStorage, failing: str
):
    products(10)
    once(pieces, 2, OperationalError("gone"))
    job = run(ask(ann, "pieces"))
    elsewhere.failures[failing] = 1
    before = timezone.now()
    run(job)

    assert (job.state, job.tries) == (JobState.QUEUED, 2 if failing == "save" else 1)
    assert "ConnectionError" in job.error_detail
    assert "no way" not in job.error_detail
    assert job.retry_at > before + timedelta(seconds=BACK_OFF_SECONDS[0] - 1)
    assert job.lease_until is None
    assert cells(run(job)) == in_order()


def test_a_storage_that_fails_for_good_fails_the_job_and_a_retry_goes_on_when_it_is_back(
    ann: User, pieces: type[Pieces], elsewhere: TroubledStorage
):
    products(10)
    job = ask(ann, "pieces")
    pieces.act = staticmethod(lambda place: elsewhere.failures.update(save=9) if place.number == 2 else None)
    for _ in range(len(BACK_OFF_SECONDS)):
        assert run(job).state == JobState.QUEUED
    run(job)

    assert (job.state, job.error_code, job.segments.count()) == (JobState.FAILED, "export-storage-failed", 2)
    assert AuditRecord.objects.get(action="export.finish").context["evidence"]["error"] == "export-storage-failed"
    elsewhere.failures.clear()
    pieces.act = staticmethod(lambda place: None)
    retry_export(job, ann)
    assert cells(run(job)) == in_order()


def test_a_full_disk_is_tried_again_and_tells_no_path(ann: User, pieces: type[Pieces], monkeypatch: pytest.MonkeyPatch):
    products(10)
    job = ask(ann, "pieces")
    with monkeypatch.context() as full:
        full.setattr(scratch, "_new", lambda path: os.open("/dev/full", os.O_RDWR))
        run(job)
    assert (job.state, job.tries) == (JobState.QUEUED, 1)
    assert job.error_detail == f"The export could not be written: {os.strerror(errno.ENOSPC)}."

    assert cells(run(job)) == in_order()
    assert stored_files() == [job.file_name]


def test_a_disk_that_can_not_be_written_to_is_tried_again(ann: User, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Any) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(scratch, "_new", refuse)
    job = run(ask(ann))

    assert (job.state, job.tries, job.error_detail) == (
        JobState.QUEUED, 1, f"The export could not be written: {os.strerror(errno.EACCES)}.",
    )  # fmt: skip


def test_trouble_of_the_database_is_tried_again_without_its_text(ann: User, pieces: type[Pieces]):
    products(4)
    once(pieces, 1, OperationalError("secret host is down"))
    job = run(ask(ann, "pieces"))

    assert (job.state, job.error_detail) == (JobState.QUEUED, "The database failed (OperationalError).")
    assert run(job).error_detail == ""
    assert cells(job) == in_order()


def test_a_segment_that_is_kept_starts_the_count_of_tries_anew(ann: User, pieces: type[Pieces]):
    products(7)
    job = ask(ann, "pieces")
    for number in (0, 1, 2):
        once(pieces, number, OperationalError("gone"))
        run(job)
        assert job.tries == 1, number
    assert (cells(run(job)), job.attempts) == (in_order(), 4)


def test_a_job_is_not_tried_for_ever(ann: User, pieces: type[Pieces], settings: Any):
    settings.GRIDKIT = {"EXPORT_ATTEMPTS_MAX": 2}
    products(7)
    job = ask(ann, "pieces")
    for number in (0, 1):
        once(pieces, number, OperationalError("gone"))
        run(job)

    assert (job.state, job.error_code) == (JobState.FAILED, "export-failed")


@pytest.mark.parametrize("end", [SystemExit(0), KeyboardInterrupt()])
def test_a_worker_that_has_to_end_gives_its_job_back(ann: User, pieces: type[Pieces], queue: Any, end: BaseException):
    products(10)
    job = ask(ann, "pieces")
    once(pieces, 2, end)
    with pytest.raises(type(end)):
        run_export(job.pk)
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.deaths, job.segments.count()) == (JobState.QUEUED, None, 0, 2)

    assert cells(run(job)) == in_order()
    assert [place.number for place in pieces.written] == [0, 1, 2, 2, 3]


def test_a_file_that_would_be_too_large_fails_the_job_and_is_thrown_away(
    ann: User, pieces: type[Pieces], settings: Any
):
    settings.GRIDKIT = {"EXPORT_BYTES_MAX": 700}
    products(10)
    job = run(ask(ann, "pieces"))

    assert (job.state, job.error_code) == (JobState.FAILED, "export-too-large")
    assert "EXPORT_BYTES_MAX" in job.error_detail
    assert all(name.endswith(".segment") for name in stored_files())


def test_what_a_user_has_stored_counts_against_the_next_file_and_the_next_request(ann: User, bob: User, settings: Any):
    products(10)
    first = run(ask(ann))
    assert stored_bytes(ann.pk) == first.size > 0
    settings.GRIDKIT = {"EXPORT_BYTES_PER_USER": first.size + 5}
    second = run(ask(ann))
    assert (second.state, second.error_code) == (JobState.FAILED, "export-too-large")

    settings.GRIDKIT = {"EXPORT_BYTES_PER_USER": first.size}
    with pytest.raises(ExportLimitError, match="take up"):
        ask(ann)
    assert run(ask(bob, columns=["sku"])).state == JobState.FINISHED


def test_segments_of_a_file_that_stands_do_not_count_beside_it(ann: User, pieces: type[Pieces], settings: Any):
    products(10)
    whole = run(ask(ann, "pieces"))
    assert whole.size
    ExportJob.objects.all().delete()
    settings.GRIDKIT = {"EXPORT_BYTES_PER_USER": whole.size}
    assert run(ask(ann, "pieces")).state == JobState.FINISHED
    settings.GRIDKIT = {"EXPORT_BYTES_PER_USER": whole.size - 1}
    ExportJob.objects.all().delete()
    assert run(ask(ann, "pieces")).state == JobState.FAILED


@pytest.mark.parametrize(("number", "over", "segments"), [(3, "whole", 3), (1, "segment", 2)])
def test_jobs_at_the_same_time_never_store_more_together_than_their_owner_may_have(
    ann: User, pieces: type[Pieces], settings: Any, number: int, over: str, segments: int
):
    """Each had all the room before it when it began; the one that comes second is refused, wherever it is."""
    products(10)
    whole, small = run(ask(ann, "pieces")), run(ask(ann, columns=["sku"]))
    most = whole.size + small.size - 1 if over == "whole" else whole.size
    ExportJob.objects.all().delete()
    settings.GRIDKIT = {"EXPORT_BYTES_PER_USER": most}
    before = set(stored_files())
    job, other = ask(ann, "pieces"), ask(ann, columns=["sku", "name"] if over == "segment" else ["sku"])

    def act(place: SegmentPlace) -> None:
        if place.number == number:
            run(other)

    pieces.act = staticmethod(act)
    run(job)
    assert (job.state, job.error_code) == (JobState.FAILED, "export-too-large")
    assert "EXPORT_BYTES_PER_USER" in job.error_detail
    other.refresh_from_db()
    assert (other.state, job.segments.count()) == (JobState.FINISHED, segments)
    assert stored_bytes(ann.pk) <= most
    assert len(set(stored_files()) - before) == segments + 1


def test_a_file_that_can_not_be_deleted_is_tried_again_and_keeps_no_other_from_being_deleted(
    ann: User, elsewhere: TroubledStorage, caplog: Any
):
    products(1)
    jobs = [run(ask(ann)), run(ask(ann))]
    ExportJob.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elsewhere.failures["delete"] = 1

    assert expire_exports() == 1
    assert "could not be deleted" in caplog.text
    assert len(stored_files(elsewhere)) == 1
    assert expire_exports() == 1
    assert stored_files(elsewhere) == []
    assert list(ExportJob.objects.values_list("file_name", flat=True)) == ["", ""] * (len(jobs) // 2)


def test_segments_that_can_not_be_deleted_at_the_end_are_deleted_later(
    ann: User, pieces: type[Pieces], elsewhere: TroubledStorage, caplog: Any
):
    products(10)
    elsewhere.failures["delete"] = 1
    job = run(ask(ann, "pieces"))
    assert (job.state, job.segments.count()) == (JobState.FINISHED, 3)
    expire_exports()

    assert (job.segments.count(), stored_files(elsewhere)) == (0, [job.file_name])


class TestRetryByHand:
    """What people may try again."""

    @pytest.fixture
    def failed(self, ann: User) -> ExportJob:
        job = ask(ann)
        told = {"error_code": "export-failed", "error_detail": "Why.", "attempts": 3, "tries": 3, "deaths": 1}
        ExportJob.objects.update(state=JobState.FAILED, finished_at=timezone.now(), **told)
        job.refresh_from_db()
        return job

    def test_the_owner_tries_again_and_the_queue_is_told_and_it_is_recorded(
        self, ann: User, failed: ExportJob, queue: Any, django_capture_on_commit_callbacks: Any
    ):
        with django_capture_on_commit_callbacks(execute=True):
            job = retry_export(failed, ann)

        assert (job.state, job.error_code, job.error_detail, job.finished_at) == (JobState.QUEUED, "", "", None)
        assert (job.attempts, job.tries, job.deaths) == (0, 0, 0)
        assert queue.jobs == [job.pk]
        assert AuditRecord.objects.get(action="export.retry").target_id == str(job.pk)

    def test_a_cancelled_job_can_be_tried_again(self, ann: User, failed: ExportJob):
        ExportJob.objects.update(state=JobState.CANCELLED, cancel_requested=True)

        assert run(retry_export(failed, ann)).state == JobState.FINISHED

    @pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.FINISHED])
    def test_a_job_that_did_not_fail_stays_as_it_is(self, ann: User, failed: ExportJob, state: JobState):
        ExportJob.objects.update(state=state)

        assert retry_export(failed, ann).state == state
        assert not AuditRecord.objects.filter(action="export.retry").exists()

    def test_others_can_try_again_only_with_the_right_to(self, failed: ExportJob, bob: User):
        with pytest.raises(ExportNotFoundError):
            retry_export(failed, bob)

        assert retry_export(failed, person("root", "gridkit_django.change_exportjob")).state == JobState.QUEUED

    def test_an_owner_who_lost_the_right_can_not_try_again(self, ann: User, failed: ExportJob):
        ann.user_permissions.clear()
        with pytest.raises(GridNotFoundError):
            retry_export(ExportJob.objects.get(pk=failed.pk), User.objects.get(pk=ann.pk))

    def test_the_limit_of_jobs_under_way_holds(self, ann: User, failed: ExportJob, settings: Any):
        settings.GRIDKIT = {"EXPORT_JOBS_PER_USER": 1}
        ask(ann)
        with pytest.raises(ExportLimitError):
            retry_export(failed, ann)

        failed.refresh_from_db()
        assert failed.state == JobState.FAILED
