"""Destinations that answer what nobody expects: batches too large for them, and faults of our own on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from gridkit_django.audit.delivery import declare_destination, deliver, deliver_all
from gridkit_django.audit.delivery.senders import SENDERS
from gridkit_django.models import AuditDestination, DeliveryState
from tests.audit.chains import key, sealer, write
from tests.audit.receivers import Inbox, collect, web_server

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def inbox() -> Iterator[Inbox]:
    """Eight records under one seal, and a server that takes what it is told to."""
    collect.taken = []
    write(8)
    sealer(key(), limit=8).run()
    own = {"AUDIT_ALLOW_CLEAR": True, "AUDIT_ALLOW_PRIVATE": True}
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, **own}), web_server() as found:
        yield found


def test_batch_that_is_too_large_for_a_server_is_sent_in_parts(inbox: Inbox) -> None:
    declare_destination("there", f"http://{inbox.url}/")
    inbox.answers = [413, 413]

    report = deliver("there")

    assert report is not None
    assert (report.records, report.error) == (8, "")
    assert [headers["GridKit-Records"] for headers in inbox.headers] == ["8", "4", "2", "2", "2", "2"]
    assert len([line for line in inbox.lines() if line.startswith(b'{"action"')]) == 8


def test_record_that_is_too_large_by_itself_parks_the_destination(inbox: Inbox) -> None:
    declare_destination("there", f"http://{inbox.url}/")
    inbox.answers = [413] * 4

    deliver("there")

    there = AuditDestination.objects.get(name="there")
    assert (there.state, there.cursor, there.offset) == (DeliveryState.PARKED, 0, 0)
    assert "answered 413" in there.last_error


def test_fault_of_our_own_is_told_at_its_destination_and_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: Any) -> None:
        raise UnicodeError("no such letter")

    monkeypatch.setattr("gridkit_django.audit.delivery.delivering.SENDERS", {**SENDERS, "file": broken})
    declare_destination("first", "file:///nowhere/audit.ndjson")
    declare_destination("second", "tests.audit.receivers.collect")

    assert [(report.name, report.records) for report in deliver_all()] == [("first", 0), ("second", 8)]

    first = AuditDestination.objects.get(name="first")
    assert (first.state, first.last_error) == (DeliveryState.WAITING, "UnicodeError: no such letter")
    assert "could not be served" in caplog.text
