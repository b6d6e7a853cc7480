"""Jobs over HTTP: progress, cancelling, and the file."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone
from rest_framework.test import APIClient

from gridkit_django.exports.files import FOLDER, save_file
from gridkit_django.models import AuditRecord, ExportJob, JobState
from tests.api.conftest import PRODUCTS, client_of
from tests.api.test_base import assert_problem

JOBS = PRODUCTS + "jobs/"


@pytest.fixture
def owner(make_user: Callable[..., User]) -> User:
    return make_user("owner", "gridkit_django.open_grid", "gridkit_django.export_grid")


@pytest.fixture
def mine(owner: User) -> APIClient:
    return client_of(owner)


def make_job(owner: User, **fields: Any) -> ExportJob:
    return ExportJob.objects.create(**{"grid": "api-products", "format": "csv", "owner": owner, **fields})


def finished_job(owner: User, content: bytes = b"a,b\r\n", **fields: Any) -> ExportJob:
    return make_job(
        owner,
        state=JobState.FINISHED,
        file_name=save_file(f"{FOLDER}/{uuid.uuid4()}.csv", ContentFile(content)),
        **{
            "download_name": "products.csv",
            "content_type": "text/csv; charset=utf-8",
            "size": len(content),
            "rows_done": 1,
            "expires_at": timezone.now() + timedelta(hours=1),
            **fields,
        },
    )


def test_job_tells_how_far_it_is(mine: APIClient, owner: User) -> None:
    job = make_job(owner, state=JobState.RUNNING, rows_done=25, rows_total=100)
    body = mine.get(f"{JOBS}{job.pk}/").json()
    assert (body["state"], body["progress"], body["rows"], body["rowsTotal"]) == ("running", 0.25, 25, 100)
    assert (body["url"], body["resultUrl"], body["error"]) == (f"{JOBS}{job.pk}/", None, None)


def test_finished_job_says_where_its_file_is(mine: APIClient, owner: User) -> None:
    job = finished_job(owner)
    body = mine.get(f"{JOBS}{job.pk}/").json()
    assert (body["progress"], body["resultUrl"]) == (1.0, f"{JOBS}{job.pk}/result/")


@pytest.mark.both_databases
def test_list_holds_the_users_own_jobs_on_this_grid_newest_first(
    mine: APIClient, owner: User, make_user: Callable[..., User]
) -> None:
    jobs = [make_job(owner), make_job(owner, format="xlsx"), make_job(owner, state=JobState.FAILED, error_code="x")]
    make_job(make_user("other"))
    make_job(owner, grid="api-customers")
    assert [item["id"] for item in mine.get(JOBS).json()["results"]] == [str(job.pk) for job in reversed(jobs)]
    assert [item["id"] for item in mine.get(JOBS + "?state=failed").json()["results"]] == [str(jobs[2].pk)]
    assert [item["id"] for item in mine.get(JOBS + "?format=xlsx").json()["results"]] == [str(jobs[1].pk)]
    page = mine.get(JOBS + "?size=2").json()
    assert [item["id"] for item in mine.get(page["next"]).json()["results"]] == [str(jobs[0].pk)]


def test_filter_value_that_does_not_fit_is_refused(mine: APIClient) -> None:
    document = assert_problem(mine.get(JOBS + "?state=done"), 422, "filter-value-invalid")
    assert document["errors"][0]["pointer"] == "?state"


@pytest.mark.parametrize("part", ["", "result/"])
def test_job_of_somebody_else_or_of_another_grid_is_not_found(
    mine: APIClient, owner: User, make_user: Callable[..., User], part: str
) -> None:
    for job in (finished_job(make_user("other")), finished_job(owner, grid="api-customers")):
        assert_problem(mine.get(f"{JOBS}{job.pk}/{part}"), 404, "export-not-found")
    assert_problem(mine.get(f"{JOBS}00000000-0000-0000-0000-000000000000/{part}"), 404, "export-not-found")


def test_queued_job_is_cancelled_at_once(mine: APIClient, owner: User) -> None:
    job = make_job(owner)
    response = mine.delete(f"{JOBS}{job.pk}/")
    assert (response.status_code, response.json()["state"]) == (200, "cancelled")


def test_running_job_is_asked_to_stop(mine: APIClient, owner: User) -> None:
    job = make_job(owner, state=JobState.RUNNING, started_at=timezone.now())
    response = mine.delete(f"{JOBS}{job.pk}/")
    assert (response.status_code, response.json()["state"]) == (202, "running")
    job.refresh_from_db()
    assert job.cancel_requested


def test_finished_job_stays_as_it_is(mine: APIClient, owner: User) -> None:
    response = mine.delete(f"{JOBS}{finished_job(owner).pk}/")
    assert (response.status_code, response.json()["state"]) == (200, "finished")


def test_job_of_somebody_else_is_not_cancelled(mine: APIClient, make_user: Callable[..., User]) -> None:
    job = make_job(make_user("other"))
    assert_problem(mine.delete(f"{JOBS}{job.pk}/"), 404, "export-not-found")
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


def test_file_is_streamed_as_an_attachment_and_the_download_is_recorded(mine: APIClient, owner: User) -> None:
    job = finished_job(owner, download_name='qu"ote\r\nX-Evil: 1 é.csv')
    response = mine.get(f"{JOBS}{job.pk}/result/")
    assert response.getvalue() == b"a,b\r\n"
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''qu%22ote")
    assert "X-Evil" not in response.headers
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, no-store"
    assert AuditRecord.objects.get(action="export.download").actor_label == "owner"


def test_file_whose_type_is_unknown_is_plain_bytes(mine: APIClient, owner: User) -> None:
    response = mine.get(f"{JOBS}{finished_job(owner, content_type='').pk}/result/")
    assert (response.getvalue(), response["Content-Type"]) == (b"a,b\r\n", "application/octet-stream")


def test_file_that_is_not_there_yet_is_a_conflict(mine: APIClient, owner: User) -> None:
    assert_problem(mine.get(f"{JOBS}{make_job(owner).pk}/result/"), 409, "export-not-ready")


def test_file_that_has_expired_is_gone(mine: APIClient, owner: User) -> None:
    job = finished_job(owner, expires_at=timezone.now() - timedelta(seconds=1))
    assert_problem(mine.get(f"{JOBS}{job.pk}/result/"), 410, "export-not-ready")


def test_owner_who_lost_the_right_to_export_gets_no_file(mine: APIClient, owner: User) -> None:
    job = finished_job(owner)
    owner.user_permissions.remove(*owner.user_permissions.filter(codename="export_grid"))
    assert_problem(mine.get(f"{JOBS}{job.pk}/result/"), 403, "access-denied")


def test_failed_export_is_tried_again_and_another_stays_as_it_is(mine: APIClient, owner: User) -> None:
    failed, running = make_job(owner, state=JobState.FAILED, error_code="x"), make_job(owner, state=JobState.RUNNING)
    answers = [mine.post(f"{JOBS}{job.pk}/retry/") for job in (failed, running)]
    assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [(202, "queued"), (202, "running")]
    assert answers[0].json()["error"] is None


def test_export_of_somebody_else_is_not_tried_again(mine: APIClient, make_user: Callable[..., User]) -> None:
    job = make_job(make_user("other"), state=JobState.FAILED)
    assert_problem(mine.post(f"{JOBS}{job.pk}/retry/"), 404, "export-not-found")
