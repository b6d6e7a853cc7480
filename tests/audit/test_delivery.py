"""Delivery: sealed records leave in order and at least once, and nothing is lost, skipped or told elsewhere."""

from __future__ import annotations

import fcntl
import gzip
import hmac
import json
import logging
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from gridkit_django.audit import Target, record, verifier
from gridkit_django.audit.checkpoints import keep_up
from gridkit_django.audit.delivery import (
    DeliveryReport,
    backlog_of,
    declare_destination,
    deliver,
    deliver_all,
    drop_destination,
    pause,
    read_place,
    resume,
)
from gridkit_django.audit.delivery.delivering import LEASE
from gridkit_django.audit.delivery.destinations import secret_of
from gridkit_django.audit.delivery.senders.webhook import signature
from gridkit_django.audit.evidence import seal_line
from gridkit_django.audit.rows import RecordRows
from gridkit_django.events import Actor, ActorKind, EventSource, acting
from gridkit_django.exceptions import AuditDestinationError, DeliveryRefusedError
from gridkit_django.models import AuditDestination, AuditRecord, AuditSeal
from gridkit_django.tasks.audit import deliver_audit
from tests.audit.chains import key, sealer, write
from tests.audit.clocks import clock_back
from tests.audit.receivers import Inbox, collect, web_server

pytestmark = pytest.mark.django_db

COLLECT = "tests.audit.receivers.collect"


def local(**values: Any) -> override_settings:
    """Allow what a test on one machine needs."""
    allowed = {"AUDIT_ALLOW_CLEAR": True, "AUDIT_ALLOW_PRIVATE": True, "AUDIT_BATCH_RECORDS": 2, **values}
    return override_settings(GRIDKIT={**django_settings.GRIDKIT, **allowed})


@pytest.fixture(autouse=True)
def allowed() -> Iterator[None]:
    collect.taken, collect.raises = [], []
    with local():
        yield


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with web_server() as found:
        yield found


@pytest.fixture
def sealed() -> list[AuditRecord]:
    """Seven records in seals of three, three and one."""
    made = write(7)
    sealer(key()).run()
    return made


def native_lines(records: list[AuditRecord]) -> list[bytes]:
    return [row.line() for row in RecordRows("default").between(records[0].pk, records[-1].pk)]


def with_seals(lines: list[bytes]) -> list[bytes]:
    """Put the line of each seal before its records, as they were sealed: three, three and one."""
    seals = [seal_line(seal).rstrip() for seal in AuditSeal.objects.order_by("number")]
    return [seals[0], *lines[:3], seals[1], *lines[3:6], seals[2], *lines[6:]]


def stored(name: str = "there") -> AuditDestination:
    return AuditDestination.objects.get(name=name)


def told(action: str) -> list[Any]:
    return list(AuditRecord.objects.filter(action=action).order_by("pk").values_list("changes", flat=True))


@pytest.mark.both_databases
def test_webhook_gets_every_sealed_record_in_order_and_signed(inbox: Inbox, sealed: list[AuditRecord]) -> None:
    declare_destination("there", f"http://{inbox.url}/in?x=1", secret="shared")

    assert deliver_all() == [DeliveryReport("there", 7, "")]

    assert inbox.lines() == with_seals(native_lines(sealed))
    assert [item["GridKit-Batch"] for item in inbox.headers] == ["1:0", "1:2", "2:0", "2:2", "3:0"]
    assert {item["path"] for item in inbox.headers} == {"/in?x=1"}
    for item, body in zip(inbox.headers, inbox.bodies, strict=True):
        seconds, _, digest = item["GridKit-Signature"].partition(",v1=")
        right = hmac.new(b"shared", f"{seconds.removeprefix('t=')}.".encode() + body, "sha256").hexdigest()
        assert hmac.compare_digest(digest, right)
    seal = AuditSeal.objects.get(number=3)
    assert inbox.headers[-1]["GridKit-Seal"] == f"3 {bytes(seal.digest).hex()}"
    assert (stored().cursor, stored().offset, backlog_of(stored())) == (3, 0, 0)
    assert deliver_all() == [DeliveryReport("there", 0, "")]


def test_record_that_is_not_sealed_waits(inbox: Inbox, sealed: list[AuditRecord]) -> None:
    write(1)
    declare_destination("there", f"http://{inbox.url}/")

    deliver("there")

    assert inbox.lines() == with_seals(native_lines(sealed))


def test_new_destination_may_begin_with_what_comes(sealed: list[AuditRecord]) -> None:
    declare_destination("there", COLLECT, from_now=True)

    deliver("there")

    assert collect.taken == []


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_server_that_is_not_well_is_tried_again_with_the_same_batch(
    inbox: Inbox, sealed: list[AuditRecord], status: int
) -> None:
    declare_destination("there", f"http://{inbox.url}/")
    inbox.answers = [200, status]

    report = deliver("there")

    assert report is not None
    assert (report.records, str(status) in report.error) == (2, True)
    assert (stored().state, stored().failures) == ("waiting", 1)
    assert stored().next_try_at > timezone.now()
    assert deliver("there") is None, "it is not due yet"
    AuditDestination.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))
    assert deliver("there") == DeliveryReport("there", 5, "")
    assert inbox.lines() == with_seals(native_lines(sealed))
    assert (stored().state, stored().failures, stored().last_error) == ("ready", 0, "")


def test_pauses_between_tries_grow_up_to_an_hour(sealed: list[AuditRecord]) -> None:
    declare_destination("there", COLLECT)
    pauses = []
    for _ in range(14):
        collect.raises = [OSError("gone")]
        AuditDestination.objects.update(next_try_at=None)
        before = timezone.now()
        deliver("there")
        pauses.append((stored().next_try_at - before).total_seconds())

    assert 1 <= pauses[0] <= 3
    assert pauses[5] > pauses[0]
    assert 1800 <= pauses[-1] <= 3601


@pytest.mark.parametrize("status", [400, 401, 302, 410])
def test_server_that_says_no_parks_the_destination_until_somebody_looks(
    inbox: Inbox, sealed: list[AuditRecord], status: int
) -> None:
    declare_destination("there", f"http://{inbox.url}/")
    inbox.answers = [status]

    report = deliver("there")

    assert report is not None
    assert (report.records, stored().state) == (0, "parked")
    assert str(status) in stored().last_error
    parked = AuditRecord.objects.get(action="audit.park_destination")
    assert parked.evidence is not None
    assert parked.evidence["seal"] == 1
    assert {item["path"] for item in inbox.headers} == {"/"}, "a redirect is not followed"
    assert deliver("there") is None
    resume(stored())
    assert deliver("there") == DeliveryReport("there", 7, "")
    assert inbox.lines() == with_seals(native_lines(sealed))


def test_host_that_is_gone_is_tried_later(inbox: Inbox, sealed: list[AuditRecord]) -> None:
    declare_destination("there", "http://127.0.0.1:1/")

    report = deliver("there")

    assert report is not None
    assert "can't be reached" in report.error
    assert stored().state == "waiting"


def test_slow_destination_does_not_stop_the_others(inbox: Inbox, sealed: list[AuditRecord]) -> None:
    declare_destination("a", COLLECT)
    declare_destination("b", f"http://{inbox.url}/")
    collect.raises = [OSError("gone")]

    reports = {report.name: report for report in deliver_all()}

    assert (reports["a"].records, reports["b"].records) == (0, 7)
    assert backlog_of(stored("a")) == 7


def test_private_address_is_refused_unless_it_is_allowed(inbox: Inbox, sealed: list[AuditRecord]) -> None:
    declare_destination("there", f"http://{inbox.url}/")

    with local(AUDIT_ALLOW_PRIVATE=False):
        deliver("there")

    assert inbox.headers == []
    assert "private network" in stored().last_error


@pytest.mark.both_databases
def test_worker_that_died_after_sending_sends_the_same_batch_again(sealed: list[AuditRecord]) -> None:
    declare_destination("there", COLLECT)
    collect.raises = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        deliver("there")
    assert (stored().cursor, stored().offset, collect.taken) == (0, 0, [])

    assert deliver("there") == DeliveryReport("there", 7, "")

    assert [item["id"] for item in collect.taken] == [item.pk for item in sealed]


@pytest.mark.both_databases
def test_destination_that_another_worker_is_at_is_left_to_it_until_its_lease_ends(sealed: list[AuditRecord]) -> None:
    declare_destination("there", COLLECT)
    AuditDestination.objects.update(leased_by="else", leased_until=timezone.now() + timedelta(seconds=60))
    assert deliver("there") is None

    AuditDestination.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert deliver("there") == DeliveryReport("there", 7, "")


@pytest.mark.both_databases
def test_clock_that_goes_back_does_not_make_a_destination_wait_for_it(sealed: list[AuditRecord]) -> None:
    declare_destination("there", COLLECT)
    AuditDestination.objects.update(
        leased_until=timezone.now() + LEASE, leased_by="dead", next_try_at=timezone.now() + timedelta(seconds=60)
    )
    with clock_back(timedelta(days=1)):
        assert deliver("there") == DeliveryReport("there", 7, "")


@pytest.mark.both_databases
def test_worker_whose_lease_was_taken_over_notes_what_was_taken_and_stops(sealed: list[AuditRecord]) -> None:
    declare_destination("there", COLLECT)
    AuditDestination.objects.update(format="native")

    class Thief(list[Any]):
        def __iadd__(self, records: Any) -> Any:
            AuditDestination.objects.update(leased_by="thief")
            return super().__iadd__(records)

    collect.taken = Thief()
    report = deliver("there")

    assert report is not None
    assert "Another worker" in report.error
    assert (stored().cursor, stored().offset) == (0, 2), "what takes longer than a lease would never come to an end"
    assert (stored().state, stored().failures, stored().leased_by) == ("ready", 0, "thief")


@pytest.mark.both_databases
def test_pause_stops_after_the_batch_under_way_and_keeps_the_place(sealed: list[AuditRecord]) -> None:
    declare_destination("there", COLLECT)

    class Pausing(list[Any]):
        def __iadd__(self, records: Any) -> Any:
            pause(stored())
            return super().__iadd__(records)

    collect.taken = Pausing()
    report = deliver("there")

    assert report is not None
    assert (report.error, stored().state, stored().offset) == ("The destination was paused.", "paused", 2)
    assert deliver("there") is None
    collect.taken = list(collect.taken)
    resume(stored())
    deliver("there")
    assert [item["id"] for item in collect.taken] == [item.pk for item in sealed]


def test_function_may_refuse_for_good(sealed: list[AuditRecord]) -> None:
    declare_destination("there", COLLECT)
    collect.raises = [DeliveryRefusedError("not my kind")]

    deliver("there")

    assert (stored().state, stored().last_error) == ("parked", "not my kind")


def test_file_gets_lines_and_half_a_line_of_a_crash_stays_alone(tmp_path: Path, sealed: list[AuditRecord]) -> None:
    path = tmp_path / "audit.ndjson"
    path.write_bytes(b'{"half')
    declare_destination("there", f"file://{path}")

    deliver("there")

    assert path.read_bytes().splitlines() == [b'{"half', *with_seals(native_lines(sealed))]


@pytest.mark.both_databases
def test_file_of_a_destination_is_evidence_that_the_lone_verifier_reads(tmp_path: Path) -> None:
    write(7)
    signer = key()
    sealer(signer).run()
    keep_up("default", signer)
    declare_destination("there", f"file://{tmp_path}/audit.ndjson")

    deliver("there")

    lines = (tmp_path / "audit.ndjson").read_bytes().splitlines(keepends=True)
    report = verifier.FileVerifier([signer.public_key]).check(lines)
    assert (report.records, report.seals) == (7, 3)
    assert [fault.kind for fault in report.faults] == [verifier.TRUNCATED], "a file that grows has no end"
    assert any(b'"checkpoint"' in line for line in lines)
    lines[2] = lines[2].replace(b"1.10", b"1.11")
    tampered = verifier.FileVerifier([signer.public_key]).check(lines)
    assert [fault.kind for fault in tampered.faults] == [verifier.CHANGED, verifier.TRUNCATED]


def test_file_that_can_not_be_written_is_tried_later(tmp_path: Path, sealed: list[AuditRecord]) -> None:
    declare_destination("there", f"file://{tmp_path}/none/audit.ndjson")

    deliver("there")

    assert (stored().state, "can't be written" in stored().last_error) == ("waiting", True)


def test_file_that_another_program_has_locked_is_tried_later(tmp_path: Path, sealed: list[AuditRecord]) -> None:
    declare_destination("there", f"file://{tmp_path}/audit.ndjson")

    with (tmp_path / "audit.ndjson").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        deliver("there")

    assert (stored().state, "unavailable" in stored().last_error) == ("waiting", True)


def test_collector_of_opentelemetry_gets_log_records(inbox: Inbox, sealed: list[AuditRecord]) -> None:
    declare_destination("there", f"otlp+http://{inbox.url}/v1/logs", secret="token")

    deliver("there")

    (first, *_) = [json.loads(gzip.decompress(body)) for body in inbox.bodies]
    entry = first["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    assert entry["body"]["stringValue"].encode() == native_lines(sealed)[0]
    assert {"key": "audit.action", "value": {"stringValue": "row.update"}} in entry["attributes"]
    assert abs(int(entry["timeUnixNano"]) / 1e9 - sealed[0].occurred_at.timestamp()) < 0.001
    assert inbox.headers[0]["Authorization"] == "Bearer token"


def test_ocsf_names_class_activity_actor_and_entity(sealed: list[AuditRecord]) -> None:
    declare_destination("there", COLLECT, form="ocsf")

    deliver("there")

    event = collect.taken[0]
    assert (event["class_uid"], event["activity_id"], event["type_uid"]) == (3004, 3, 300403)
    assert event["actor"]["user"] == {"uid": "tests", "name": "tests", "type": "system"}
    assert event["entity"] == {"type": "shop.product", "uid": "0", "name": "Product 0"}
    assert event["metadata"]["correlation_uid"] == sealed[0].operation.correlation_id != ""
    assert (event["comment"], event["unmapped"]["changes"]) == ("because", {"price": ["1.10", "0"]})
    assert event["metadata"]["uid"] == str(sealed[0].uuid)


def test_ocsf_and_cef_tell_who_acted_for_whom_from_where_and_with_what_evidence() -> None:
    boss = Actor(ActorKind.USER, "7", "Boss")
    with acting(Actor(ActorKind.USER, "8", "Ada"), EventSource.API, impersonator=boss, metadata={"ip": "2001:db8::1"}):
        made = record("row.view", target=Target("shop.product", "1"), evidence={"rows": 3})
    sealer(key()).run()

    for form in ("ocsf", "cef"):
        declare_destination(form, COLLECT, form=form)
        deliver(form)

    event, line = collect.taken[0], next(item for item in collect.taken if isinstance(item, str))
    assert (event["class_uid"], event["activity_id"], event["type_uid"]) == (3004, 2, 300402)
    assert event["unmapped"]["impersonator"] == {"id": "7", "label": "Boss"}
    assert f"externalId={made.uuid} act=row.view suid=8 suser=Ada c6a2Label=source c6a2=2001:db8::1 " in line
    assert 'cs5Label=impersonator cs5=7 Boss cs6Label=evidence cs6={"rows":' in line


def test_cef_escapes_what_ends_a_field() -> None:
    write(1, note=[None, "a=b|c\\d\ne"])
    sealer(key()).run()
    declare_destination("there", COLLECT, form="cef")

    deliver("there")

    (line,) = collect.taken
    assert line.startswith("CEF:0|GridKit|GridKit for Django|")
    assert "|row.update|row update|3|rt=" in line
    assert "\n" not in line
    assert "a\\=b|c" in line
    assert "cs4=because" in line


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("ftp://host/", "begins with none"),
        ("nothing", "begins with none"),
        ("https://user:pw@host/", "password"),
        ("https:///path", "names no host"),
        ("https://host:port/", "can't be read"),
        ("file://host/path", "absolute path"),
        ("file:///a/../b", "absolute path"),
        ("tests.audit.receivers.nothing", "no function"),
        ("tests.audit.receivers.not_callable", "can't be called"),
    ],
)
def test_address_that_is_none_is_refused(address: str, fault: str) -> None:
    with pytest.raises(AuditDestinationError, match=fault):
        declare_destination("there", address)
    assert not AuditDestination.objects.exists()


@pytest.mark.parametrize("address", ["http://host/", "syslog+tcp://host", "syslog+udp://host", "otlp+http://host/"])
def test_clear_way_is_refused_unless_it_is_allowed(address: str) -> None:
    with local(AUDIT_ALLOW_CLEAR=False), pytest.raises(AuditDestinationError, match="not encrypted"):
        read_place(address)
    assert read_place(address).host == "host"


@pytest.mark.both_databases
def test_acts_on_a_destination_are_recorded_without_its_secret() -> None:
    row = declare_destination("there", "https://one.example/", secret="very secret")
    declare_destination("there", "https://two.example/", secret=None)
    declare_destination("there", "https://two.example/")
    declare_destination("there", "https://two.example/", secret="very secret")
    declare_destination("there", "https://two.example/", secret="very secret, too")
    pause(row)
    drop_destination(stored())

    first, second, third, last = told("audit.destination")
    assert (first["address"], first["secret"]) == ([None, "https://one.example/"], [None, "***"])
    assert second == {"address": ["https://one.example/", "https://two.example/"]}
    assert third == {"secret": ["***", "***"]}
    assert last == {"state": ["ready", "paused"]}
    assert len(told("audit.drop_destination")) == 1
    assert "very secret" not in str(list(AuditRecord.objects.values()))


def test_secret_is_stored_encrypted_and_kept_when_none_is_given() -> None:
    declare_destination("there", "https://one.example/", secret="very secret")
    declare_destination("there", "https://two.example/")

    assert "very secret" not in str(stored().secret)
    assert secret_of(stored()) == "very secret"
    declare_destination("there", "https://two.example/", secret="")
    assert secret_of(stored()) == ""


def test_destination_of_a_plugin_is_nobody_elses() -> None:
    declare_destination("there", "https://one.example/", managed_by="plugin")

    with pytest.raises(AuditDestinationError, match="managed by plugin"):
        declare_destination("there", "https://two.example/")
    with pytest.raises(AuditDestinationError, match="no format"):
        declare_destination("other", "https://one.example/", form="xml")


def test_new_address_wakes_a_parked_destination(sealed: list[AuditRecord]) -> None:
    declare_destination("there", COLLECT)
    collect.raises = [DeliveryRefusedError("no")]
    deliver("there")

    declare_destination("there", "tests.audit.receivers.collect.__call__".removesuffix(".__call__"))
    assert stored().state == "parked", "the address is the same"
    declare_destination("there", "https://two.example/")
    assert stored().state == "ready"


@pytest.mark.both_databases
def test_command_and_task_deliver_and_tell(sealed: list[AuditRecord], capsys: Any, caplog: Any) -> None:
    declare_destination("there", COLLECT)
    collect.raises = [OSError("gone")]
    with caplog.at_level(logging.WARNING) if caplog else nullcontext():
        call_command("gridkit_audit_deliver")
    assert "there: 0 records. It stopped:" in capsys.readouterr().out
    resume(stored())

    assert deliver_audit() == 7


def test_signature_is_over_time_and_body() -> None:
    assert signature("k", 5, b"body") == "t=5,v1=" + hmac.new(b"k", b"5.body", "sha256").hexdigest()
