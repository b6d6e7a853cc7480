"""Two at once, at the last free place: one gets it, on PostgreSQL with two connections."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction

from gridkit_django.exceptions import ExportLimitError
from gridkit_django.exports import retry_export
from gridkit_django.exports.claiming import claim
from gridkit_django.models import ExportJob, JobState
from tests.exports.shop import ask
from tests.servers.processes import PATIENCE, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]


def test_of_two_requests_at_once_at_the_last_place_of_a_user_one_is_refused(ann: User, settings: Any) -> None:
    settings.GRIDKIT = {"EXPORT_JOBS_PER_USER": 1}
    first, second = both(lambda: ask(ann), lambda: ask(ann))
    assert isinstance(first.result(), ExportJob)
    with pytest.raises(ExportLimitError):
        second.result()
    assert ExportJob.objects.filter(owner=ann).count() == 1


def test_of_a_retry_and_a_request_at_once_at_the_last_place_of_a_user_one_is_refused(ann: User, settings: Any) -> None:
    settings.GRIDKIT = {"EXPORT_JOBS_PER_USER": 1}
    failed = ask(ann)
    ExportJob.objects.filter(pk=failed.pk).update(state=JobState.FAILED)
    first, second = both(lambda: ask(ann), lambda: retry_export(failed, ann))
    assert isinstance(first.result(), ExportJob)
    with pytest.raises(ExportLimitError):
        second.result()


@pytest.mark.parametrize(("limit", "owners"), [("EXPORT_RUNNING_PER_USER", "aa"), ("EXPORT_RUNNING_MAX", "ab")])
def test_of_two_workers_at_once_at_the_last_place_one_leaves_its_job_waiting(
    ann: User, bob: User, settings: Any, limit: str, owners: str
) -> None:
    settings.GRIDKIT = {limit: 1}
    one, other = (ask({"a": ann, "b": bob}[owner]) for owner in owners)
    first, second = both(lambda: claim(one.pk), lambda: claim(other.pk))
    assert first.result() is not None
    assert second.result() is None
    assert ExportJob.objects.filter(state=JobState.RUNNING).count() == 1


def both(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Future[Any], Future[Any]]:
    """Do the second while what the first did is not committed yet, and let the second wait for that."""
    done, go_on = threading.Event(), threading.Event()

    def held() -> Any:
        try:
            with transaction.atomic():
                found = first()
                done.set()
                assert go_on.wait(PATIENCE)
                return found
        finally:
            done.set()
            connections.close_all()

    def late() -> Any:
        try:
            return second()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        try:
            one = threads.submit(held)
            assert done.wait(PATIENCE)
            other = threads.submit(late)
            wait_until(lambda: other.done() or somebody_waits(), "the second to wait for the first")
        finally:
            go_on.set()
    return one, other


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])
