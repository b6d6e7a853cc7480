"""Bulk changes that a worker carries out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.utils import timezone

from gridkit_django.events import Moment
from gridkit_django.exceptions import BulkCancelled, BulkLimitError
from gridkit_django.grids import GridAccess, bulk, bulk_jobs, grid_registry
from gridkit_django.grids.bulk import BulkChange
from gridkit_django.grids.bulk_jobs import (
    JobProgress,
    cancel_bulk,
    create_bulk_job,
    describe_bulk_job,
    fail_lost_bulk_jobs,
    find_bulk_job,
    run_bulk,
)
from gridkit_django.grids.selection import Selection
from gridkit_django.models import BulkJob
from tests.grids.edits import ProductEditGrid, hearing, product, receiving
from tests.shop.models import Product

# Jobs are told of after commits, and progress goes over a connection of its own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    grid_registry().register(ProductEditGrid)
    yield
    grid_registry().unregister("edit-products")


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """The jobs that were handed to a worker."""
    found: list[uuid.UUID] = []

    class Queue:
        def enqueue_bulk(self, job_id: uuid.UUID) -> None:
            found.append(job_id)

    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "job_queue", Queue())
    return found


@pytest.fixture
def owner() -> User:
    user = User.objects.create_user("bob")
    user.user_permissions.set(Permission.objects.filter(codename__in=["open_grid", "edit_grid"]))
    return user


@pytest.fixture
def make_job(owner: User, queued: list[uuid.UUID]) -> Callable[..., BulkJob]:
    """Return a function that asks for a change of six products."""

    def make(**changes: Any) -> BulkJob:
        for number in range(6):
            product(sku=f"S{number}", stock=number)
        wanted = BulkChange("update", Selection.from_dict({"query": {}}), 6, changes or {"stock": 100})
        return create_bulk_job(GridAccess(ProductEditGrid, owner), wanted)

    return make


def stocks() -> set[int]:
    return set(Product.objects.values_list("stock", flat=True))


def test_job_is_carried_out_as_its_owner(make_job: Callable[..., BulkJob], queued: list[uuid.UUID]) -> None:
    job = make_job()
    assert queued == [job.pk]
    with hearing() as heard:
        run_bulk(job.pk)
    assert stocks() == {100}
    told = describe_bulk_job(BulkJob.objects.get())
    assert (told["state"], told["progress"], told["rows"], told["rowsTotal"]) == ("finished", 1.0, 6, 6)
    result: Any = told["result"]
    assert (result["rows"], result["changed"], bool(result["undo"])) == (6, 6, True)
    assert {(event.actor.label, event.correlation_id) for _, _, event in heard} == {("bob", job.correlation_id)}
    run_bulk(job.pk)
    assert BulkJob.objects.get().finished_at is not None


def test_user_has_only_so_many_jobs_under_way_but_all_that_ended(
    make_job: Callable[..., BulkJob], owner: User, queued: list[uuid.UUID], settings: Any
) -> None:
    settings.GRIDKIT = {"BULK_JOBS_PER_USER": 2}
    access = GridAccess(ProductEditGrid, owner)
    first = make_job()
    wanted = BulkChange.from_dict(first.request)
    create_bulk_job(access, wanted)
    with pytest.raises(BulkLimitError, match="2 of your bulk changes"):
        create_bulk_job(access, wanted)
    assert len(queued) == BulkJob.objects.count() == 2
    create_bulk_job(GridAccess(ProductEditGrid, User.objects.create_user("ann")), wanted)
    cancel_bulk(first)
    create_bulk_job(access, wanted)
    BulkJob.objects.update(created_at=timezone.now() - timedelta(days=2))
    create_bulk_job(access, wanted)


def test_right_that_was_lost_since_is_lost_for_the_job(make_job: Callable[..., BulkJob], owner: User) -> None:
    job = make_job()
    owner.user_permissions.set(Permission.objects.filter(codename="open_grid"))
    run_bulk(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "access-denied")


def test_disabled_account_changes_nothing(make_job: Callable[..., BulkJob], owner: User) -> None:
    job = make_job()
    User.objects.filter(pk=owner.pk).update(is_active=False)
    run_bulk(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "access-denied")
    assert stocks() == set(range(6))


def test_refused_row_fails_the_job_and_is_named(make_job: Callable[..., BulkJob]) -> None:
    job = make_job(sku="same")
    run_bulk(job.pk)
    told = describe_bulk_job(BulkJob.objects.get())
    error: Any = told["error"]
    assert (told["state"], error["code"], told["rows"]) == ("failed", "edit-invalid", 0)
    assert "(row " in error["detail"]
    assert not Product.objects.filter(sku="same").exists()


def test_selection_that_has_changed_fails_the_job(make_job: Callable[..., BulkJob]) -> None:
    job = make_job()
    product(sku="late")
    run_bulk(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "bulk-count-drift")


def test_fault_of_the_site_fails_the_job(make_job: Callable[..., BulkJob], caplog: pytest.LogCaptureFixture) -> None:
    def fail(**_kwargs: Any) -> None:
        raise ZeroDivisionError

    job = make_job()
    with receiving("row:update", Moment.AFTER, fail):
        run_bulk(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "edit-refused")
    assert "ZeroDivisionError" in job.error_detail
    assert str(job.pk) in caplog.text
    assert stocks() == set(range(6))


def test_waiting_job_is_stopped(make_job: Callable[..., BulkJob]) -> None:
    job = cancel_bulk(make_job())
    assert job.state == "cancelled"
    run_bulk(job.pk)
    assert stocks() == set(range(6))
    assert BulkJob.objects.get().state == "cancelled"


def test_job_that_has_ended_stays_as_it_is(make_job: Callable[..., BulkJob]) -> None:
    job = make_job()
    run_bulk(job.pk)
    assert cancel_bulk(job).state == "finished"


def test_job_that_is_stopped_at_the_last_moment_changes_nothing(make_job: Callable[..., BulkJob]) -> None:
    job = make_job()

    def stop(**_kwargs: Any) -> None:
        BulkJob.objects.filter(pk=job.pk).update(state="cancelled")

    with receiving("row:update", Moment.AFTER, stop):
        run_bulk(job.pk)
    assert stocks() == set(range(6))


def test_job_of_somebody_else_or_another_grid_does_not_exist(make_job: Callable[..., BulkJob], owner: User) -> None:
    job = make_job()
    mine = GridAccess(ProductEditGrid, owner)
    assert find_bulk_job(mine, job.pk) == job
    assert find_bulk_job(mine, "x") is None
    assert find_bulk_job(GridAccess(ProductEditGrid, User.objects.create_user("eve")), job.pk) is None


def test_queue_that_can_not_be_reached_fails_the_job(
    make_job: Callable[..., BulkJob], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def enqueue_bulk(self, job_id: uuid.UUID) -> None:
            raise ConnectionError

    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "job_queue", Broken())
    job = make_job()
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "bulk-lost")
    assert str(job.pk) in caplog.text


def test_jobs_that_nobody_works_on_end(make_job: Callable[..., BulkJob]) -> None:
    job = make_job()
    assert fail_lost_bulk_jobs() == 0
    BulkJob.objects.update(created_at=timezone.now() - bulk_jobs.WAITS_AT_MOST - timedelta(seconds=1))
    assert fail_lost_bulk_jobs() == 1
    BulkJob.objects.update(state="running", started_at=timezone.now() - bulk_jobs.RUNS_AT_MOST - timedelta(seconds=1))
    assert fail_lost_bulk_jobs() == 1
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "bulk-lost")


def test_progress_is_seen_while_the_change_is_under_way(
    make_job: Callable[..., BulkJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    monkeypatch.setattr(bulk_jobs, "SECONDS_BETWEEN_UPDATES", 0)
    job = make_job()
    seen: list[int] = []

    def look(**_kwargs: Any) -> None:
        seen.append(BulkJob.objects.get().rows_done)

    with receiving("row:update", Moment.BEFORE, look):
        run_bulk(job.pk)
    assert seen == ([0] * 6 if connection.vendor == "sqlite" else [0, 0, 2, 2, 4, 4])
    assert BulkJob.objects.get().rows_done == 6


def test_running_job_notices_that_it_was_stopped(
    make_job: Callable[..., BulkJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_jobs, "SECONDS_BETWEEN_UPDATES", 0)
    job = make_job()
    with JobProgress(job) as progress:
        if connection.vendor == "sqlite":
            progress(1)
            return
        with pytest.raises(BulkCancelled):
            progress(1)
