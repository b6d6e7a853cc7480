"""Telling that an export has ended."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from gridkit_django.exceptions import DeliveryRefusedError, ExportOptionsError
from gridkit_django.exports import cancel_export, create_export, notices, run_export, tell
from gridkit_django.models import ExportJob
from gridkit_django.tasks.export_notices import tell_of_export
from tests.exports.shop import GRID, products

pytestmark = [pytest.mark.django_db]
HOOK = "https://hook.example.org/exports?x=1"


@pytest.fixture
def cat(bob: User) -> User:
    bob.email = "bob@example.test"
    bob.save()
    return bob


def done(user: User, **how: Any) -> ExportJob:
    job = create_export(GRID, {"columns": ["sku"]}, "csv", user, **how)
    run_export(job.pk)
    job.refresh_from_db()
    return job


def test_who_wants_a_mail_is_told_when_it_has_ended_and_nobody_else(
    cat: User, queue: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        wanted = done(cat, notify=True)
        done(cat)
        cancel_export(create_export(GRID, None, "csv", cat, notify=True), cat)
    assert queue.notices == [(wanted.pk, "mail")]


def test_mail_has_the_facts_and_a_link_and_no_data(cat: User, mailoutbox: list[Any]) -> None:
    products(3)
    job = done(cat, notify=True)
    with override_settings(GRIDKIT={"PUBLIC_URL": "https://grids.example.org/"}):
        tell_of_export.apply((str(job.pk), "mail")).get()
    (mail,) = mailoutbox
    assert mail.to == ["bob@example.test"]
    assert job.download_name in mail.subject
    assert "3 rows" in mail.body
    assert "https://grids.example.org/gridkit/exports/" in mail.body
    assert "S0001" not in mail.body
    assert mail.attachments == []


def test_mail_of_a_failure_says_why(cat: User, mailoutbox: list[Any]) -> None:
    job = done(cat)
    ExportJob.objects.update(state="failed", error_detail="The disk\nis full.", download_name="a\r\nb")
    assert tell(job.pk, "mail")
    assert "failed" in mailoutbox[0].subject
    assert "The disk" in mailoutbox[0].body


def test_nobody_is_told_whose_account_is_disabled_or_has_no_address(cat: User, mailoutbox: list[Any]) -> None:
    job = done(cat)
    User.objects.update(is_active=False)
    assert not tell(job.pk, "mail")
    User.objects.update(is_active=True, email="")
    assert not tell(job.pk, "mail")
    assert not tell("00000000-0000-0000-0000-000000000000", "mail")
    assert not tell(job.pk, "webhook")
    assert mailoutbox == []


def test_a_mail_for_an_account_without_an_address_is_refused(bob: User) -> None:
    with pytest.raises(ExportOptionsError, match="no e-mail address"):
        create_export(GRID, None, "csv", bob, notify=True)


def test_webhook_gets_the_facts_signed(
    cat: User, queue: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    products(1)
    posted: list[Any] = []
    monkeypatch.setattr(notices, "post_bytes", lambda *told: posted.append(told))
    with override_settings(GRIDKIT={"EXPORT_WEBHOOK_URL": HOOK, "EXPORT_WEBHOOK_SECRET": "s3cret"}):
        with django_capture_on_commit_callbacks(execute=True):
            job = done(cat)
        assert queue.notices == [(job.pk, "webhook")]
        assert tell(job.pk, "webhook")
    ((place, body, headers),) = posted
    assert (place.host, place.path) == ("hook.example.org", "/exports?x=1")
    told = json.loads(body)["job"]
    assert (told["id"], told["state"], told["rows"], told["owner"]) == (str(job.pk), "finished", 1, "bob")
    assert b"S0000" not in body
    seconds, given = (part.partition("=")[2] for part in headers["GridKit-Signature"].split(","))
    assert given == hmac.new(b"s3cret", f"{seconds}.".encode() + body, "sha256").hexdigest()


def test_webhook_into_ones_own_network_is_refused(cat: User) -> None:
    job = done(cat)
    with (
        override_settings(GRIDKIT={"EXPORT_WEBHOOK_URL": "https://127.0.0.1/x"}),
        pytest.raises(DeliveryRefusedError, match="private network"),
    ):
        tell(job.pk, "webhook")
