"""Destinations that answer what nobody expects: batches too large for them, and faults of our own on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from gridkit_django.audit.delivery import Place, declare_destination, deliver, deliver_all, delivering
from gridkit_django.audit.delivery.destinations import secret_of
from gridkit_django.audit.delivery.senders import SENDERS
from gridkit_django.models import AuditDestination, DeliveryState
from tests.audit.chains import key, sealer, write
from tests.audit.receivers import Inbox, collect, web_server

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inbox() -> Iterator[Inbox]:
    """Eight records under one seal, and a server that takes what it is told to."""
    collect.taken = []
    write(8)
    sealer(key(), limit=8).run()
    own = {"AUDIT_ALLOW_CLEAR": True, "AUDIT_ALLOW_PRIVATE": True}
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, **own}), web_server() as found:
        yield found


@pytest.mark.both_databases
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


def test_collector_that_rejects_some_records_with_status_200_parks_the_destination(inbox: Inbox) -> None:
    inbox.says = b'{"partialSuccess": {"rejectedLogRecords": "3", "errorMessage": "over the quota"}}'
    declare_destination("there", f"otlp+http://{inbox.url}/v1/logs")

    deliver("there")

    there = AuditDestination.objects.get(name="there")
    assert (there.state, there.cursor, there.offset) == (DeliveryState.PARKED, 0, 0)
    assert there.last_error.endswith("rejected 3 log records of the batch: over the quota")


@pytest.mark.both_databases
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


@pytest.mark.both_databases
def test_destinations_take_turns_so_that_a_slow_one_lets_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def noted(place: Place, *_args: Any) -> None:
        order.append(place.path.rpartition("/")[2])

    monkeypatch.setattr(delivering, "SENDERS", {**SENDERS, "file": noted})
    monkeypatch.setattr(delivering, "TURN_SECONDS", 0.0)  # one batch each
    for name in ("a", "b"):
        declare_destination(name, f"file:///nowhere/{name}")

    with override_settings(GRIDKIT={**django_settings.GRIDKIT, "AUDIT_BATCH_RECORDS": 3}):
        reports = deliver_all()

    assert order == ["a", "b"] * 3
    assert [(report.name, report.records, report.is_done) for report in reports] == [("a", 8, True), ("b", 8, True)]


def test_round_ends_after_its_time_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(delivering, "ALL_SECONDS", 0.0)
    declare_destination("there", "tests.audit.receivers.collect")

    with override_settings(GRIDKIT={**django_settings.GRIDKIT, "AUDIT_BATCH_RECORDS": 5}):
        first, second, third = deliver_all(), deliver_all(), deliver_all()

    assert [(report.records, report.is_done) for report in (*first, *second, *third)] == [
        (5, False),
        (3, False),
        (0, True),
    ]


def test_secret_of_a_destination_is_wrapped_anew_with_the_keys_of_subjects(capsys: pytest.CaptureFixture[str]) -> None:
    def keys(*phrases: str) -> override_settings:
        return override_settings(GRIDKIT={**django_settings.GRIDKIT, "AUDIT_MASTER_KEYS": list(phrases)})

    with keys("an old long text"):
        declare_destination("there", "tests.audit.receivers.collect", secret="s" * 30)
    with keys("a new long text", "an old long text"):
        with pytest.raises(CommandError, match="before you take"):
            call_command("gridkit_audit_rewrap", "--check")
        call_command("gridkit_audit_rewrap")
        call_command("gridkit_audit_rewrap", "--check")
    assert "1 of 1 secrets of destinations were wrapped anew." in capsys.readouterr().out
    with keys("a new long text"):
        assert secret_of(AuditDestination.objects.get()) == "s" * 30
    with keys("another text"), pytest.raises(CommandError, match="the secret of there"):
        call_command("gridkit_audit_rewrap")
