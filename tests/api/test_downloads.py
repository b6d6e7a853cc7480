"""Files over HTTP: whole, in part, by tag, and by a signed link."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core import signing
from django.test import override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from gridkit_django.api.downloads import PartOfFile
from gridkit_django.models import AuditRecord, ExportJob
from tests.api.conftest import client_of
from tests.api.test_base import assert_problem
from tests.api.test_jobs import JOBS, finished_job, make_job

CONTENT = b"0123456789"


@pytest.fixture
def owner(make_user: Callable[..., User]) -> User:
    return make_user("owner", "gridkit_django.open_grid", "gridkit_django.export_grid")


@pytest.fixture
def mine(owner: User) -> APIClient:
    return client_of(owner)


@pytest.fixture
def job(owner: User) -> ExportJob:
    return finished_job(owner, CONTENT)


def result(client: APIClient, job: ExportJob, **headers: str) -> Any:
    return client.get(f"{JOBS}{job.pk}/result/", headers=headers)


def test_whole_file_says_its_tag_and_that_ranges_are_served(mine: APIClient, job: ExportJob) -> None:
    response = result(mine, job)
    assert (response.status_code, response.getvalue(), response["Accept-Ranges"]) == (200, CONTENT, "bytes")
    assert response["Content-Length"] == "10"
    again = result(mine, job, **{"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", response["ETag"])
    assert AuditRecord.objects.filter(action="export.download").count() == 1


@pytest.mark.parametrize(
    ("asked", "part", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=7-99", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=-99", CONTENT, "bytes 0-9/10"),
    ],
)
def test_one_range_is_served_as_a_part(mine: APIClient, job: ExportJob, asked: str, part: bytes, told: str) -> None:
    response = result(mine, job, Range=asked)
    assert (response.status_code, response.getvalue(), response["Content-Range"]) == (206, part, told)
    assert response["Content-Length"] == str(len(part))
    assert AuditRecord.objects.get(action="export.download").context["evidence"]["part"] == told.removeprefix("bytes ")


@pytest.mark.parametrize("asked", ["bytes=0-1,3-4", "bytes=-", "bytes=4-2", "rows=0-1", "bytes=a-b", ""])
def test_what_is_no_single_range_gets_the_whole_file(mine: APIClient, job: ExportJob, asked: str) -> None:
    response = result(mine, job, Range=asked)
    assert (response.status_code, response.getvalue()) == (200, CONTENT)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_range_outside_of_the_file_is_refused_and_no_download(mine: APIClient, job: ExportJob, asked: str) -> None:
    response = result(mine, job, Range=asked)
    assert_problem(response, 416, "range-unsatisfiable")
    assert response["Content-Range"] == "bytes */10"
    assert not AuditRecord.objects.filter(action="export.download").exists()


def test_range_of_another_file_gets_the_whole_one(mine: APIClient, job: ExportJob) -> None:
    tag = result(mine, job)["ETag"]
    assert result(mine, job, Range="bytes=1-2", **{"If-Range": tag}).status_code == 206
    for other in ('"other"', f"W/{tag}", "Fri, 27 Nov 2026 00:00:00 GMT"):
        assert result(mine, job, Range="bytes=1-2", **{"If-Range": other}).status_code == 200


def test_part_of_a_file_that_can_not_seek_is_read_to_its_start() -> None:
    class Pipe:
        left = CONTENT
        closed = False

        def seekable(self) -> bool:
            return False

        def read(self, size: int) -> bytes:
            found, self.left = self.left[:size], self.left[size:]
            return found

        def close(self) -> None:
            self.closed = True

    pipe = Pipe()
    part = PartOfFile(pipe, 3, 4)
    assert (part.read(2), part.read(), part.read()) == (b"34", b"56", b"")
    part.close()
    assert pipe.closed


def linked(client: APIClient, job: ExportJob) -> str:
    response = client.post(f"{JOBS}{job.pk}/link/")
    assert response.status_code == 201, response.content
    assert response.json()["expiresAt"]
    return str(response.json()["url"])


def test_signed_link_downloads_without_logging_in(mine: APIClient, job: ExportJob) -> None:
    url = linked(mine, job)
    response = APIClient().get(url, headers={"Range": "bytes=2-3"})
    assert (response.status_code, response.getvalue()) == (206, b"23")
    evidence = AuditRecord.objects.get(action="export.download").context["evidence"]
    assert (evidence["by"], evidence["part"]) == ("signed link", "2-3/10")
    assert mine.get(url).status_code == 200


def test_signed_link_opens_nothing_for_somebody_else_who_is_logged_in(
    mine: APIClient, job: ExportJob, make_user: Callable[..., User]
) -> None:
    other = make_user("other", "gridkit_django.open_grid", "gridkit_django.export_grid")
    assert_problem(client_of(other).get(linked(mine, job)), 404, "export-not-found")


def test_signed_link_ends_with_its_time(mine: APIClient, job: ExportJob, monkeypatch: pytest.MonkeyPatch) -> None:
    url = linked(mine, job)
    later = timezone.now().timestamp() + 301
    monkeypatch.setattr("gridkit_django.exports.links.time.time", lambda: later)
    assert_problem(APIClient().get(url), 404, "export-not-found")


def test_signed_link_ends_with_the_password(mine: APIClient, job: ExportJob, owner: User) -> None:
    url = linked(mine, job)
    owner.set_password("another one")
    owner.save()
    assert_problem(APIClient().get(url), 404, "export-not-found")


def test_signed_link_ends_with_the_right(mine: APIClient, job: ExportJob, owner: User) -> None:
    url = linked(mine, job)
    owner.user_permissions.remove(Permission.objects.get(codename="export_grid"))
    assert_problem(APIClient().get(url), 403, "access-denied")


def test_signed_link_ends_with_the_file(mine: APIClient, job: ExportJob) -> None:
    url = linked(mine, job)
    ExportJob.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert_problem(APIClient().get(url), 410, "export-not-ready")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("held", "salt"),
    [
        ({"job": "0" * 32, "until": 10**11, "mark": ""}, "other"),
        (["no", "dict"], "gridkit_django.exports.links"),
        ({"job": "no id"}, "gridkit_django.exports.links"),
        ({"job": "0" * 32, "until": 10**11, "mark": ""}, "gridkit_django.exports.links"),
        (None, ""),
    ],
)
def test_what_this_site_did_not_sign_opens_nothing(held: Any, salt: str) -> None:
    token = signing.dumps(held, salt=salt) if salt else "nonsense"
    assert_problem(APIClient().get(f"/gridkit/api/exports/{token}/"), 404, "export-not-found")


def test_link_is_made_for_ones_own_finished_file_only(
    mine: APIClient, owner: User, make_user: Callable[..., User]
) -> None:
    assert_problem(mine.post(f"{JOBS}{make_job(owner).pk}/link/"), 409, "export-not-ready")
    assert_problem(mine.post(f"{JOBS}{finished_job(make_user('other')).pk}/link/"), 404, "export-not-found")


def test_site_without_signed_links_makes_none_and_takes_none(mine: APIClient, job: ExportJob) -> None:
    url = linked(mine, job)
    with override_settings(GRIDKIT={"EXPORT_LINK_SECONDS": 0}):
        assert_problem(mine.post(f"{JOBS}{job.pk}/link/"), 403, "access-denied")
        assert_problem(APIClient().get(url), 404, "export-not-found")
