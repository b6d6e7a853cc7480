"""Going on after a worker's death: the segments that are kept, and the file that comes of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from gridkit_django.exports import (
    cancel_export,
    expire_exports,
    open_result,
    retry_export,
    run_export,
    running,
    watching,
)
from gridkit_django.exports.segments import SegmentPlace
from gridkit_django.models import ExportJob, ExportSegment, JobState
from tests.exports.segmented import Killed, Pieces
from tests.exports.shop import ask, products
from tests.exports.stored import stored_files
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.usefixtures("empty_storage")]


@pytest.fixture(autouse=True)
def nobody_gives_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is killed tells nobody."""
    monkeypatch.setattr(running, "give_back", lambda job: None)


def kill_at(pieces: type[Pieces], number: int) -> None:
    """Let the worker die once, when it has written this segment and not kept it."""

    def act(place: SegmentPlace) -> None:
        if place.number == number:
            pieces.act = staticmethod(lambda place: None)
            raise Killed

    pieces.act = staticmethod(act)


def run_and_die(job: ExportJob) -> None:
    with pytest.raises(Killed):
        run_export(job.pk)
    ExportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def finish(job: ExportJob) -> list[str]:
    """Let the next worker run the job to its end, and return the first cell of each row of its file."""
    run_export(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FINISHED, job.error_detail
    with open_result(job.pk, job.owner).file as file:
        return [json.loads(line)[0] for line in file.read().splitlines()]


def in_order() -> list[str]:
    return list(Product.objects.order_by("-stock").values_list("sku", flat=True))


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_every_row_is_in_the_file_once_wherever_the_worker_died(ann: User, pieces: type[Pieces], number: int):
    products(10)
    job = ask(ann, "pieces")
    kill_at(pieces, number)
    run_and_die(job)
    assert job.segments.count() == number

    assert finish(job) == in_order()
    assert [place.number for place in pieces.written] == [*range(number + 1), *range(number, 4)]
    assert [(number, first, rows) for number, first, rows, _ in pieces.joined] == [
        (0, 0, 3), (1, 3, 3), (2, 6, 3), (3, 9, 1),
    ]  # fmt: skip
    assert (job.rows_done, job.rows_total, job.attempts) == (10, 10, 2)


def test_a_worker_that_dies_while_it_joins_repeats_the_last_segment_only(ann: User, pieces: type[Pieces]):
    products(10)
    job = ask(ann, "pieces")

    def die() -> None:
        pieces.act_join = staticmethod(lambda: None)
        raise Killed

    pieces.act_join = staticmethod(die)
    run_and_die(job)
    pieces.written.clear()

    assert finish(job) == in_order()
    assert [place.number for place in pieces.written] == [3]


def test_a_job_that_is_cancelled_while_it_is_put_together_stops_at_the_next_look(
    ann: User, pieces: type[Pieces], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_LOOKS", 0)
    products(10)
    job = ask(ann, "pieces")
    pieces.act_join = staticmethod(lambda: cancel_export(ExportJob.objects.get(pk=job.pk), ann) and None)
    run_export(job.pk)
    job.refresh_from_db()

    assert (job.state, [number for number, *_ in pieces.joined], stored_files()) == (JobState.CANCELLED, [0, 1], [])


def test_later_segments_know_the_facts_of_the_first_one_whoever_wrote_it(ann: User, pieces: type[Pieces]):
    products(7)
    job = ask(ann, "pieces")
    kill_at(pieces, 1)
    run_and_die(job)
    finish(job)

    assert [dict(place.opening) for place in pieces.written] == [{}, *[{"rows": 3, "by": 1}] * 3]


def test_rows_that_come_before_the_place_of_death_are_neither_doubled_nor_lost(ann: User, pieces: type[Pieces]):
    products(9)
    job = ask(ann, "pieces")
    expected = in_order()
    kill_at(pieces, 1)
    run_and_die(job)
    Product.objects.create(sku="NEW", name="first in order", category="toy", price=1, stock=99)
    Product.objects.filter(sku=expected[0]).delete()

    assert finish(job) == expected


def test_a_full_last_segment_makes_no_empty_one_after_it(ann: User, pieces: type[Pieces]):
    products(6)

    assert finish(ask(ann, "pieces")) == in_order()
    assert [rows for _, _, rows, _ in pieces.joined] == [3, 3]


def test_an_export_without_rows_has_one_empty_segment(ann: User, pieces: type[Pieces]):
    assert finish(ask(ann, "pieces")) == []
    assert pieces.joined == [(0, 0, 0, {"rows": 0, "by": 1})]


def test_nothing_but_the_file_is_left_in_the_storage(ann: User, pieces: type[Pieces]):
    products(10)
    job = ask(ann, "pieces")
    kill_at(pieces, 2)
    run_and_die(job)
    assert len([name for name in stored_files() if name.endswith(".segment")]) == 2
    finish(job)

    assert stored_files() == [job.file_name]
    assert not ExportSegment.objects.exists()


def test_a_segment_that_was_damaged_is_made_anew_with_all_after_it(ann: User, pieces: type[Pieces]):
    products(10)
    job = ask(ann, "pieces")
    kill_at(pieces, 3)
    run_and_die(job)
    segment = job.segments.get(number=1)
    with default_storage.open(segment.file_name) as file:
        data = file.read()
    default_storage.delete(segment.file_name)
    with default_storage.open(segment.file_name, "wb") as file:
        file.write(data[:-2] + b"X\n")
    run_export(job.pk)
    job.refresh_from_db()
    assert (job.state, job.tries, job.segments.count()) == (JobState.QUEUED, 1, 1)
    assert "Segment 1" in job.error_detail

    ExportJob.objects.update(retry_at=None)
    assert finish(job) == in_order()


@pytest.mark.parametrize("change", [{"columns": ["name"]}, {"sort": [{"col": "sku", "dir": "asc"}]}])
def test_segments_of_another_plan_are_not_gone_on_with(ann: User, pieces: type[Pieces], change: dict[str, Any]):
    products(7)
    job = ask(ann, "pieces")
    kill_at(pieces, 2)
    run_and_die(job)
    ExportJob.objects.update(query={**job.query, **change})
    pieces.written.clear()
    finish(job)

    assert [place.number for place in pieces.written] == [0, 1, 2]


@pytest.mark.parametrize("right", ["open_grid", "export_grid", "view_price"])
def test_segments_of_a_job_whose_owner_lost_the_right_are_deleted_at_once(ann: User, pieces: type[Pieces], right: str):
    products(10)
    job = ask(ann, "pieces", columns=["sku", "price"])
    kill_at(pieces, 2)
    run_and_die(job)
    ann.user_permissions.remove(*ann.user_permissions.filter(codename=right))
    run_export(job.pk)
    job.refresh_from_db()

    assert (job.state, job.segments.count(), stored_files()) == (JobState.FAILED, 0, [])


def test_a_failed_job_keeps_its_segments_and_a_retry_makes_the_missing_ones_only(ann: User, pieces: type[Pieces]):
    products(10)
    job = ask(ann, "pieces")

    def fail(place: SegmentPlace) -> None:
        if place.number == 2:
            raise ZeroDivisionError

    pieces.act = staticmethod(fail)
    run_export(job.pk)
    job.refresh_from_db()
    assert (job.state, job.segments.count()) == (JobState.FAILED, 2)
    pieces.act = staticmethod(lambda place: None)
    pieces.written.clear()

    assert retry_export(job, ann).state == JobState.QUEUED
    assert finish(job) == in_order()
    assert [place.number for place in pieces.written] == [2, 3]


def test_an_old_job_that_is_tried_again_waits_as_long_as_a_new_one(ann: User, pieces: type[Pieces]):
    job = ask(ann, "pieces")
    ExportJob.objects.update(state=JobState.FAILED, created_at=timezone.now() - timedelta(hours=73))
    retry_export(job, ann)
    expire_exports()
    job.refresh_from_db()
    assert job.state == JobState.QUEUED, job.error_detail
    ExportJob.objects.update(seen_at=timezone.now() - timedelta(hours=73))
    expire_exports()
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_segments_of_a_job_that_failed_long_ago_are_deleted(ann: User, pieces: type[Pieces]):
    products(10)
    job = ask(ann, "pieces")
    kill_at(pieces, 2)
    run_and_die(job)
    ExportJob.objects.update(state=JobState.FAILED, finished_at=timezone.now() - timedelta(hours=71))
    expire_exports()
    assert job.segments.count() == 2
    ExportJob.objects.update(finished_at=timezone.now() - timedelta(hours=73))
    expire_exports()

    assert (job.segments.count(), stored_files()) == (0, [])


def test_a_cancelled_job_loses_its_segments_at_once(ann: User, pieces: type[Pieces]):
    products(10)
    job = ask(ann, "pieces")

    def stop(place: SegmentPlace) -> None:
        if place.number == 2:
            cancel_export(ExportJob.objects.get(pk=job.pk), ann)

    pieces.act = staticmethod(stop)
    run_export(job.pk)
    job.refresh_from_db()

    assert (job.state, job.segments.count(), stored_files()) == (JobState.CANCELLED, 0, [])


def test_a_waiting_job_that_is_cancelled_loses_its_segments(ann: User, pieces: type[Pieces]):
    products(10)
    job = ask(ann, "pieces")
    kill_at(pieces, 2)
    run_and_die(job)
    ExportJob.objects.update(state=JobState.QUEUED)
    job.refresh_from_db()

    assert cancel_export(job, ann).state == JobState.CANCELLED
    assert (job.segments.count(), stored_files()) == (0, [])


def test_a_worker_whose_job_was_taken_keeps_no_segment_and_leaves_the_others_alone(ann: User, pieces: type[Pieces]):
    products(10)
    job = ask(ann, "pieces")

    def take_away(place: SegmentPlace) -> None:
        if place.number == 1:
            pieces.act = staticmethod(lambda place: None)
            ExportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
            run_export(job.pk)

    pieces.act = staticmethod(take_away)
    run_export(job.pk)
    job.refresh_from_db()

    assert (job.state, job.fence) == (JobState.FINISHED, 2)
    with open_result(job.pk, ann).file as file:
        assert [json.loads(line)[0] for line in file.read().splitlines()] == in_order()
    assert stored_files() == [job.file_name]


def test_an_order_that_nobody_can_go_on_with_is_read_in_one_go(
    ann: User, pieces: type[Pieces], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gridkit_django.exports.rows.RowSource.resumable", False)
    products(10)
    job = ask(ann, "pieces")
    kill_at(pieces, 2)
    run_and_die(job)
    assert (job.segments.count(), stored_files()) == (0, [])
    pieces.joined.clear()

    assert finish(job) == in_order()
    assert [rows for _, _, rows, _ in pieces.joined] == [2, 2, 2, 2, 2], "a list of rows is never split"


def test_a_writer_that_leaves_rows_out_fails_the_job(ann: User, pieces: type[Pieces]):
    pieces.write_segment = lambda self, stream, sheet, place, rows: next(rows) and {}  # type: ignore[method-assign]
    products(10)
    job = ask(ann, "pieces")
    run_export(job.pk)
    job.refresh_from_db()

    assert (job.state, job.error_code) == (JobState.FAILED, "export-failed")
    assert "left rows out" in job.error_detail


def test_deleting_a_job_deletes_its_segments(
    ann: User, pieces: type[Pieces], django_capture_on_commit_callbacks: Callable[..., Any]
):
    products(10)
    job = ask(ann, "pieces")
    kill_at(pieces, 2)
    run_and_die(job)
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        job.delete()

    assert (stored_files(), ExportSegment.objects.exists()) == ([], False)
