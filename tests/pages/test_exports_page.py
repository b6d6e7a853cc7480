"""The page of one's exports."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from gridkit_django.exports import ExporterRegistry
from gridkit_django.exports.files import FOLDER, save_file
from gridkit_django.grids import grid_registry
from gridkit_django.models import ExportJob, JobState
from gridkit_django.pages.exports import JOBS_PER_PAGE
from tests.exports.conftest import RememberingQueue
from tests.exports.shop import GRID, ExportGrid, person

PAGE = "/gridkit/exports/"


@pytest.fixture(autouse=True)
def grid() -> Iterator[None]:
    grid_registry().register(ExportGrid)
    yield
    grid_registry().unregister(GRID)


@pytest.fixture
def ann(db: None) -> User:
    return person("ann")


@pytest.fixture
def client(ann: User) -> Client:
    made = Client()
    made.force_login(ann)
    return made


def job(owner: User, **fields: Any) -> ExportJob:
    return ExportJob.objects.create(**{"grid": GRID, "format": "csv", "owner": owner, **fields})


def finished(owner: User, **fields: Any) -> ExportJob:
    told = {
        "state": JobState.FINISHED,
        "file_name": save_file(f"{FOLDER}/{uuid.uuid4()}.csv", ContentFile(b"a")),
        "download_name": "products.csv",
        "expires_at": timezone.now() + timedelta(hours=1),
        "size": 1,
    }
    return job(owner, **{**told, **fields})


def test_the_page_shows_ones_own_jobs_with_progress_file_and_failure(client: Client, ann: User) -> None:
    other = finished(person("other"))
    running = job(ann, state=JobState.RUNNING, rows_done=1, rows_total=4)
    done = finished(ann)
    failed = job(ann, state=JobState.FAILED, error_code="x", error_detail="The <disk> is full.")
    text = client.get(PAGE).content.decode()

    assert str(other.pk) not in text
    assert 'value="25"' in text
    assert "1 of 4 rows" in text
    assert f"/gridkit/api/grids/{GRID}/jobs/{done.pk}/result/" in text
    assert "The &lt;disk&gt; is full." in text
    assert f'id="{failed.pk}"' in text
    assert 'http-equiv="refresh"' in text
    running.delete()
    assert 'http-equiv="refresh"' not in client.get(PAGE).content.decode()


def test_what_the_writer_said_of_a_file_stands_with_it_as_long_as_it_is_there(client: Client, ann: User) -> None:
    done = finished(ann, plan={"remarks": ["No font has <these>: 数 (U+6570)."]})
    assert "No font has &lt;these&gt;: 数 (U+6570)." in client.get(PAGE).content.decode()
    ExportJob.objects.filter(pk=done.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "No font has" not in client.get(PAGE).content.decode()


def test_a_file_that_is_gone_is_not_offered(client: Client, ann: User) -> None:
    finished(ann, expires_at=timezone.now() - timedelta(seconds=1))
    lost = finished(ann, grid="of-the-past")
    text = client.get(PAGE).content.decode()
    assert "/result/" not in text
    assert lost.grid in text


def test_a_file_that_is_no_longer_kept_is_asked_for_once_more(
    client: Client, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = ExporterRegistry()
    registry.register("csv", "gridkit_plugins.export.exporters.csv.CsvExporter")
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "exporters", registry)
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "job_queue", RememberingQueue())
    gone = finished(ann, expires_at=timezone.now() - timedelta(seconds=1), rows_done=2, query={"columns": ["sku"]})
    finished(ann, grid="of-the-past", expires_at=None)
    text = client.get(PAGE).content.decode()
    assert "2 rows · its file is no longer kept" in text
    assert text.count('name="again"') == 1
    client.post(PAGE, {"again": str(gone.pk)})
    made = ExportJob.objects.exclude(pk=gone.pk).get(grid=GRID)
    assert (made.state, made.query["columns"]) == (JobState.QUEUED, ["sku"])


def test_a_job_that_waits_for_another_try_says_why(client: Client, ann: User) -> None:
    job(ann, error_detail="The <disk> is full.", retry_at=timezone.now() + timedelta(minutes=2))
    text = client.get(PAGE).content.decode()
    assert "tried again by itself. The &lt;disk&gt; is full." in text


def test_a_job_is_cancelled_and_somebody_elses_is_left(client: Client, ann: User) -> None:
    mine, other = job(ann), job(person("other"))
    for item in (mine, other):
        assert client.post(PAGE, {"cancel": str(item.pk)}).status_code == 302
        item.refresh_from_db()
    assert (mine.state, other.state) == (JobState.CANCELLED, JobState.QUEUED)
    assert client.post(PAGE, {"cancel": "nonsense"}).status_code == 302


def test_a_job_that_failed_is_tried_again_and_a_refusal_is_told(client: Client, ann: User) -> None:
    failed = job(ann, state=JobState.FAILED)
    assert 'name="retry"' in client.get(PAGE).content.decode()
    client.post(PAGE, {"retry": str(failed.pk)})
    failed.refresh_from_db()
    assert failed.state == JobState.QUEUED
    assert "no export with this id" in client.post(PAGE, {"retry": "nonsense"}, follow=True).content.decode()


def test_who_is_not_logged_in_is_asked_to(db: None) -> None:
    response = Client().get(PAGE)
    assert response.status_code == 302
    assert "login" in response["Location"]


def test_nothing_yet_is_said(client: Client) -> None:
    assert "no exports yet" in client.get(PAGE).content.decode()


def test_the_jobs_are_found_by_words_state_format_and_grid(client: Client, ann: User) -> None:
    done = finished(ann, download_name="spring.csv")
    failed = job(ann, state=JobState.FAILED, format="json", grid="of-the-past", error_detail="The disk is full.")
    for asked, found in (
        ({"q": "SPRING"}, {done}),
        ({"q": "products for"}, {done}),
        ({"q": "disk past"}, {failed}),
        ({"q": "spring past"}, set()),
        ({"state": "failed"}, {failed}),
        ({"format": "csv", "grid": GRID}, {done}),
        ({"grid": GRID, "state": "failed"}, set()),
        ({"state": "nonsense", "q": "\0"}, {done, failed}),
    ):
        text = client.get(PAGE, asked).content.decode()
        assert {item for item in (done, failed) if f'id="{item.pk}"' in text} == found
        assert ("None of your exports fits" in text) is (not found)


def test_many_jobs_stand_on_pages_that_keep_the_choice(client: Client, ann: User) -> None:
    made = [job(ann, state=JobState.FAILED) for _number in range(JOBS_PER_PAGE + 1)]
    first = client.get(PAGE, {"state": "failed"}).content.decode()
    last = client.get(PAGE, {"state": "failed", "page": "2"}).content.decode()
    assert "page 1 of 2" in first
    assert "?state=failed&amp;page=2" in first
    assert f'id="{made[0].pk}"' not in first
    assert f'id="{made[0].pk}"' in last
    assert "?state=failed&amp;page=1" in last
    assert client.post(f"{PAGE}?state=failed&page=2", {"retry": str(made[0].pk)})["Location"].endswith("page=2")


def test_who_has_no_exports_is_led_to_grids_that_they_may_export(client: Client, ann: User) -> None:
    assert f'href="/gridkit/grids/{GRID}/"><strong>' in client.get(PAGE).content.decode()
    client.force_login(User.objects.create(username="guest"))
    assert "may export no grid" in client.get(PAGE).content.decode()
