"""Destinations that speak syslog: what a server has read is delivered, and nothing else is."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from gridkit_django.audit.delivery import declare_destination, deliver
from gridkit_django.audit.rows import RecordRows
from gridkit_django.models import AuditDestination, AuditRecord
from tests.audit.chains import key, sealer, write
from tests.audit.receivers import datagram_server, syslog_server
from tests.marketplace.tls import Authority
from tests.servers.processes import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def allowed() -> Iterator[None]:
    own = {"AUDIT_ALLOW_CLEAR": True, "AUDIT_ALLOW_PRIVATE": True}
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, **own}):
        yield


@pytest.fixture
def sealed() -> list[AuditRecord]:
    made = write(7)
    sealer(key()).run()
    return made


def stored() -> AuditDestination:
    return AuditDestination.objects.get(name="there")


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server on this machine speaks TLS with, and this process believes."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return Authority.make(tmp_path).vouch("127.0.0.1")


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_syslog_gets_one_message_for_each_record(sealed: list[AuditRecord], tls: ssl.SSLContext, scheme: str) -> None:
    with syslog_server(tls if scheme == "tls" else None) as inbox:
        declare_destination("there", f"syslog+{scheme}://{inbox.url}")
        deliver("there")
        wait_until(lambda: len(inbox.bodies) == 7, "the messages")
    lines = [row.line() for row in RecordRows("default").between(sealed[0].pk, sealed[-1].pk)]

    assert [body.split(b" - ", 2)[2] for body in inbox.bodies] == lines
    head = inbox.bodies[0].split(b" ")
    assert (head[0], head[3], head[5]) == (b"<109>1", b"gridkit", b"row.update")
    assert head[1].endswith(b"Z")


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_syslog_server_that_dies_before_it_has_read_all_gets_the_batch_again(
    sealed: list[AuditRecord], tls: ssl.SSLContext, scheme: str
) -> None:
    with syslog_server(tls if scheme == "tls" else None, dies=True) as inbox:
        declare_destination("there", f"syslog+{scheme}://{inbox.url}")
        deliver("there")

    assert (stored().state, stored().cursor, stored().offset) == ("waiting", 0, 0)


def test_syslog_by_datagrams_refuses_what_is_too_long() -> None:
    write(1, note=[None, "x" * 70_000])
    sealer(key()).run()
    with datagram_server() as inbox:
        declare_destination("there", f"syslog+udp://{inbox.url}")
        deliver("there")

    assert "too long for a datagram" in stored().last_error
    assert inbox.bodies == []
