"""Telling that an export has ended."""

from __future__ import annotations

import hmac
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from gridkit_django.exceptions import DeliveryLaterError, DeliveryRefusedError, ExportOptionsError
from gridkit_django.exports import cancel_export, create_export, notices, run_export, tell
from gridkit_django.models import ExportJob
from gridkit_django.network import connecting
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


OWN = (
    "127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0.0.0.1", "10.0.0.8", "169.254.169.254", "100.64.0.1",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[fe80::1]",
    "[fc00::1]", "[fec0::1]", "[ff02::1]", "224.0.0.1",
)  # fmt: skip


@pytest.mark.parametrize("host", OWN)
def test_webhook_into_ones_own_network_is_refused_however_it_is_written(cat: User, host: str) -> None:
    job = done(cat)
    with (
        override_settings(GRIDKIT={"EXPORT_WEBHOOK_URL": f"https://{host}/x"}),
        pytest.raises(DeliveryRefusedError, match="private network"),
    ):
        tell(job.pk, "webhook")


def test_a_name_that_changes_its_mind_after_it_was_judged_leads_nowhere_else(
    cat: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, used = done(cat), []
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    monkeypatch.setattr(connecting.socket, "getaddrinfo", lambda *_told, **_more: [found(answers.pop(0)[0])])
    monkeypatch.setattr(connecting.socket, "socket", lambda *_told: Refusing(used))
    with (
        override_settings(GRIDKIT={"EXPORT_WEBHOOK_URL": HOOK}),
        pytest.raises(DeliveryLaterError, match="can't be reached"),
    ):
        tell(job.pk, "webhook")
    assert (used, len(answers)) == ([("93.184.215.14", 443)], 1)


def test_webhook_that_sends_on_to_elsewhere_is_not_followed(cat: User) -> None:
    job = done(cat)
    allowed = {"AUDIT_ALLOW_PRIVATE": True, "AUDIT_ALLOW_CLEAR": True}
    with (
        redirecting_server() as (port, seen),
        override_settings(GRIDKIT={"EXPORT_WEBHOOK_URL": f"http://127.0.0.1:{port}/first", **allowed}),
        pytest.raises(DeliveryRefusedError, match="answered 307"),
    ):
        tell(job.pk, "webhook")
    assert seen == ["/first"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hook.example.org/x", "not encrypted"),
        ("https://me:pass@hook.example.org/x", "a password"),
        ("file:///etc/cron.d/x", "no address of the form"),
        ("os.system", "no address of the form"),
        ("syslog+tls://hook.example.org", "no address of the form"),
        ("hook", "begins with none of"),
    ],
)
def test_webhook_at_an_address_that_is_none_is_refused_and_nothing_is_opened(cat: User, url: str, why: str) -> None:
    job = done(cat)
    with override_settings(GRIDKIT={"EXPORT_WEBHOOK_URL": url}), pytest.raises(DeliveryRefusedError, match=why):
        tell(job.pk, "webhook")


class Refusing:
    """A socket that notes where it should lead, and leads nowhere."""

    def __init__(self, used: list[Any]) -> None:
        self.connect = self._connect
        self._used = used

    def settimeout(self, _: float) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def _connect(self, place: Any) -> None:
        self._used.append(place)
        raise ConnectionRefusedError("nobody")


def found(address: str) -> tuple[Any, ...]:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))


@contextmanager
def redirecting_server() -> Iterator[tuple[int, list[str]]]:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", "/second")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_told: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port, seen
        finally:
            server.shutdown()
            thread.join()
