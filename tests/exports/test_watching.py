"""Following a run: progress, signs of life, and reasons to stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections
from django.utils import timezone

from gridkit_django.exceptions import ExportCancelled, ExportLostError, ExportTimeoutError
from gridkit_django.exports import cancel_export, run_export, watching
from gridkit_django.exports.claiming import claim
from gridkit_django.exports.jobs import describe_job
from gridkit_django.exports.segments import SegmentPlace
from gridkit_django.exports.watching import Watch
from gridkit_django.models import ExportJob, JobState
from tests.exports.segmented import Pieces
from tests.exports.shop import ask, person, products
from tests.exports.stored import stored_files
from tests.servers.processes import wait_until
from tests.shop.models import Product


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def claimed(user: User) -> ExportJob:
    job = claim(ask(user).pk)
    assert job is not None
    return job


def seen(job: ExportJob) -> ExportJob:
    return ExportJob.objects.get(pk=job.pk)


class TestWithoutThread:
    """In one transaction, and on SQLite, the worker looks itself."""

    pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

    def test_rows_are_written_at_most_once_a_second(self, ann: User):
        job, clock = claimed(ann), Clock()
        watch = Watch(job, clock)
        watch.progress.begin(50)
        told = []
        for at in (100.1, 100.9, 101.0, 101.5, 102.0):
            clock.now = at
            watch.add(10)
            told.append(seen(job).rows_done)

        assert told == [0, 0, 30, 30, 50]
        assert (seen(job).rows_total, seen(job).stage) == (50, "writing")

    def test_rate_and_time_left_count_the_rows_of_this_run_only(self, ann: User):
        job, clock = claimed(ann), Clock()
        watch = Watch(job, clock)
        watch.progress.begin(1000, rows=600, size=77)
        assert watch.progress.rate is None
        clock.now += 2
        watch.add(100)

        told = describe_job(seen(job))
        assert (told["rate"], told["secondsLeft"], told["rows"]) == (50.0, 6.0, 700)
        assert seen(job).bytes_done == 77

    def test_time_left_is_unknown_without_a_rate_or_a_total_and_after_the_end(self, ann: User):
        unknown = [ExportJob(state=JobState.RUNNING, rows_total=5), ExportJob(state=JobState.RUNNING, rate=2.0)]
        ended = ExportJob(state=JobState.FINISHED, rate=2.0, rows_total=5)

        assert [job.seconds_left for job in (*unknown, ended)] == [None, None, None]
        assert ExportJob(state=JobState.RUNNING, rate=2.0, rows_total=5, rows_done=9).seconds_left == 0

    def test_each_update_is_a_sign_of_life(self, ann: User):
        job, clock = claimed(ann), Clock()
        watch = Watch(job, clock)
        before = seen(job)
        clock.now += 1
        watch.add(1)

        assert seen(job).seen_at > before.seen_at
        assert seen(job).lease_until > before.lease_until

    def test_a_job_that_is_gone_is_noticed(self, ann: User):
        job = claimed(ann)
        watch = Watch(job)
        ExportJob.objects.all().delete()

        for _ in range(2):
            with pytest.raises(ExportLostError):
                watch.add(1)

    def test_a_run_that_takes_too_long_is_stopped_and_says_so(self, ann: User, settings: Any):
        settings.GRIDKIT = {"EXPORT_SECONDS_MAX": 7}
        job, clock = claimed(ann), Clock()
        watch = Watch(job, clock)
        clock.now += 6.9
        watch.check()
        clock.now += 0.2

        with pytest.raises(ExportTimeoutError, match="7 seconds"):
            watch.check()

    def test_callers_that_come_by_often_cost_no_statement_each(self, ann: User, django_assert_num_queries: Any):
        job, clock = claimed(ann), Clock()
        watch = Watch(job, clock)
        with django_assert_num_queries(0):
            watch.glance()
        cancel_export(seen(job), ann)
        clock.now += 2 * watching.SECONDS_BETWEEN_LOOKS
        with pytest.raises(ExportCancelled):
            watch.glance()

    def test_a_run_over_its_time_fails_the_job(self, ann: User, pieces: type[Pieces], monkeypatch: pytest.MonkeyPatch):
        clock = Clock()
        monkeypatch.setattr("gridkit_django.exports.running.Watch", lambda job: Watch(job, clock))
        products(4)
        job = ask(ann, "pieces")
        pieces.act_in = staticmethod(lambda rows: setattr(clock, "now", 1e9))
        run_export(job.pk)

        assert (seen(job).state, seen(job).error_code) == (JobState.FAILED, "export-timeout")


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
@pytest.mark.postgres_only
class TestThread:
    """On PostgreSQL a thread follows."""

    @pytest.fixture
    def owner(self) -> User:
        return person("olga", "shop.view_price")

    @pytest.fixture
    def other(self) -> Iterator[psycopg.Connection]:
        """Somebody else's connection to the database."""
        with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as link:
            yield link

    def test_the_statement_that_the_worker_waits_for_is_cut_off(self, owner: User):
        job = claimed(owner)
        cancel_export(seen(job), owner)
        with Watch(job) as watch:
            with pytest.raises(OperationalError), watch.reading(connections["default"]), connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(600)")
            assert isinstance(watch.why, ExportCancelled)
            with pytest.raises(ExportCancelled):
                watch.check()

    def test_a_statement_that_begins_after_the_cut_is_cut_off_too(self, owner: User):
        job = claimed(owner)
        cancel_export(seen(job), owner)
        with Watch(job) as watch, watch.reading(connections["default"]), connection.cursor() as cursor:
            for _ in range(3):
                with pytest.raises(OperationalError):
                    cursor.execute("SELECT pg_sleep(600)")

    def test_signs_of_life_are_given_whatever_the_worker_is_busy_with(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(watching, "SECONDS_BETWEEN_UPDATES", 0.01)
        job = claimed(owner)
        now = timezone.now()
        with Watch(job) as watch:
            watch.progress.begin(10)
            watch.progress.rows = 7
            wait_until(lambda: seen(job).rows_done == 7, "the thread to write how far the run is")
        assert seen(job).seen_at > now

    def test_a_database_that_is_away_for_a_while_is_waited_for(
        self, owner: User, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ):
        calls: list[int] = []
        really = watching.this_run

        def away(job: ExportJob) -> Any:
            calls.append(1)
            if len(calls) < 3:
                raise OperationalError("the database is away")
            return really(job)

        monkeypatch.setattr(watching, "this_run", away)
        job = claimed(owner)
        cancel_export(seen(job), owner)
        with Watch(job) as watch:
            wait_until(lambda: watch.why is not None, "the thread to look again")
        assert isinstance(watch.why, ExportCancelled)
        assert caplog.text.count("can't be followed for now") == 1

    def test_a_job_that_waits_for_a_lock_is_cancelled_and_leaves_nothing(
        self, owner: User, pieces: type[Pieces], other: psycopg.Connection, empty_storage: None
    ):
        products(10)
        job = ask(owner, "pieces")

        def lock_and_cancel(place: SegmentPlace) -> None:
            other.execute("LOCK TABLE shop_product IN ACCESS EXCLUSIVE MODE")
            cancel_export(ExportJob.objects.get(pk=job.pk), owner)

        pieces.act = staticmethod(lock_and_cancel)
        run_export(job.pk)

        assert (seen(job).state, seen(job).error_code) == (JobState.CANCELLED, "")
        assert (job.segments.count(), stored_files()) == (0, [])

    def test_a_job_that_waits_for_a_lock_to_count_its_rows_is_cancelled(
        self, owner: User, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
    ):
        job = ask(owner)
        other.execute("LOCK TABLE shop_product IN ACCESS EXCLUSIVE MODE")
        ExportJob.objects.update(cancel_requested=True)
        run_export(job.pk)

        assert seen(job).state == JobState.CANCELLED

    @pytest.mark.parametrize("rows", [2, 10])
    def test_the_job_says_of_which_moment_its_rows_are(self, owner: User, pieces: type[Pieces], rows: int):
        products(rows)
        job = ask(owner, "pieces")
        run_export(job.pk)

        assert (seen(job).state, seen(job).consistency) == (JobState.FINISHED, "snapshot" if rows == 2 else "live")

    def test_a_snapshot_does_not_see_what_others_change_meanwhile(self, owner: User, pieces: type[Pieces]):
        products(10)
        job = ask(owner, "pieces")
        ExportJob.objects.update(consistency_asked="snapshot")
        pieces.act = staticmethod(lambda place: Product.objects.all().delete() and None)
        run_export(job.pk)

        done = seen(job)
        assert (done.state, done.rows_done, done.consistency) == (JobState.FINISHED, 10, "snapshot")
        assert [number for number, *_ in pieces.joined] == [0, 1, 2, 3]


def test_what_can_not_be_cut_off_is_told_in_the_log(caplog: Any):
    class Raw:
        Error = psycopg.Error

        def cancel_safe(self, *, timeout: float) -> None:
            raise psycopg.OperationalError("no way to the server")

    class Wrapper:
        vendor = "postgresql"
        alias = "default"
        connection: Any = Raw()

    watching.cut_off(Wrapper())  # type: ignore[arg-type]
    assert "could not be cut off" in caplog.text
    Wrapper.connection = None
    watching.cut_off(Wrapper())  # type: ignore[arg-type]
