"""Retention: what is over goes, whole and with a receipt; what must stay stays; the chain verifies before and after."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test import override_settings
from django.utils import timezone

from gridkit_django.audit import Target, record, verifier
from gridkit_django.audit.delivery import declare_destination, deliver
from gridkit_django.audit.partitions import faults_of, figures_of, is_partitioned, require_postgres
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.retention import (
    HoldScope,
    PurgeReport,
    RetentionRule,
    Term,
    due_at,
    place_hold,
    purge,
    purging,
    release_hold,
)
from gridkit_django.audit.sealing import seal_all
from gridkit_django.audit.verify import DatabaseVerifier
from gridkit_django.checks import check_audit_partitions
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditPartitionError, AuditRetentionError
from gridkit_django.models import AuditHold, AuditOperation, AuditPurge, AuditRecord
from gridkit_django.tasks.audit import partition_audit, purge_audit
from tests.audit.receivers import collect

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

MARCH = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def site(tmp_path: Any) -> Iterator[None]:
    collect.taken, collect.raises = [], []
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    with override_settings(STORAGES={**django_settings.STORAGES, "archive": storage}), ruled({"*": "1y"}):
        yield


def ruled(rules: dict[str, str], **more: Any) -> override_settings:
    own = {"AUDIT_RETENTION": rules, "AUDIT_SEAL_RECORDS": 3, "AUDIT_ARCHIVE_STORAGE": "archive", **more}
    return override_settings(GRIDKIT={**django_settings.GRIDKIT, **own})


def write(*actions: str, kind: str = "shop.product") -> list[AuditRecord]:
    made = []
    for number, action in enumerate(actions):
        with acting(Actor.system(f"actor-{number}"), EventSource.API):
            made.append(record(action, target=Target(kind, str(number)), changes={"price": ["1", str(number)]}))
    return made


def later(**term: int) -> datetime:
    return timezone.now() + timedelta(**term)


def left() -> list[str]:
    return list(
        AuditRecord.objects.filter(target_type__contains="shop").order_by("pk").values_list("action", flat=True)
    )


def verifies() -> bool:
    seal_all()
    return DatabaseVerifier("default").run().is_good


@pytest.mark.parametrize(
    ("term", "moment"),
    [
        ("1d", datetime(2026, 3, 30, 12, tzinfo=UTC)),
        ("2w", datetime(2026, 3, 17, 12, tzinfo=UTC)),
        ("1m", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("13m", datetime(2025, 2, 28, 12, tzinfo=UTC)),
        ("25m", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("7y", datetime(2019, 3, 31, 12, tzinfo=UTC)),
        ("9999y", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999m", datetime(1192, 12, 31, 12, tzinfo=UTC)),
    ],
)
def test_term_is_counted_by_the_calendar(term: str, moment: datetime) -> None:
    assert Term.parse(term).before(MARCH) == moment
    assert str(Term.parse(term)) == term


@pytest.mark.parametrize(
    ("term", "moment"),
    [
        ("1d", datetime(2026, 4, 1, 12, tzinfo=UTC)),
        ("2w", datetime(2026, 4, 14, 12, tzinfo=UTC)),
        ("1m", datetime(2026, 4, 30, 12, tzinfo=UTC)),
        ("9m", datetime(2026, 12, 31, 12, tzinfo=UTC)),
        ("23m", datetime(2028, 2, 29, 12, tzinfo=UTC)),
        ("7y", datetime(2033, 3, 31, 12, tzinfo=UTC)),
        ("9999y", None),
        ("9999m", datetime(2859, 6, 30, 12, tzinfo=UTC)),
    ],
)
def test_end_of_a_term_is_counted_by_the_calendar(term: str, moment: datetime | None) -> None:
    assert Term.parse(term).after(MARCH) == moment
    assert Term.parse("9999w").after(datetime(9900, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("rules", "moment"),
    [
        ({"*": "1y", "row.*": "7y"}, datetime(2033, 3, 31, 12, tzinfo=UTC)),
        ({"row.*": "7y"}, None),
        ({"*": "1y", "row.*": "9999y"}, None),
    ],
)
def test_everything_is_over_with_the_longest_term_unless_something_has_none(
    rules: dict[str, str], moment: datetime | None
) -> None:
    assert due_at([RetentionRule.parse(*rule) for rule in rules.items()], MARCH) == moment


def test_term_of_days_ends_at_the_first_year() -> None:
    assert Term.parse("9999w").before(datetime(20, 1, 1, tzinfo=UTC)) == datetime(1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "7", "y", "0d", "7 y", "7Y", "-1d", "1.5y", "100000d"])
def test_text_that_is_no_term_is_refused(text: str) -> None:
    with pytest.raises(AuditRetentionError, match="is no term"):
        Term.parse(text)


@pytest.mark.parametrize("name", ["", "row*", "*.update", "shop.Order "])
def test_name_that_names_no_records_is_refused(name: str) -> None:
    with pytest.raises(AuditRetentionError, match="names no records"):
        RetentionRule.parse(name, "7y")


def test_records_of_no_rule_are_kept_for_ever() -> None:
    write("row.update")
    seal_all()

    with ruled({}):
        assert purge(now=later(days=365_000)) == PurgeReport()
    with ruled({"plugin.*": "1d"}):
        assert purge(now=later(days=3650)).removed == 0
    assert left() == ["row.update"]


def test_most_particular_rule_decides() -> None:
    write("row.update", "row.create", "audit.read", "plugin.activate")
    write("row.update", "row.create", kind="shop.order")
    seal_all()
    rules = {"*": "10y", "row.*": "5y", "row.update": "1y", "shop.Order row.*": "2y", "audit.read": "1d"}

    with ruled(rules):
        reports = [purge(now=later(days=days)).by_rule for days in (10, 370, 740, 1830, 3660)]

    assert [dict(counts) for counts in reports] == [
        {"audit.read": 1},
        {"row.update": 1},
        {"shop.order row.*": 2},
        {"row.*": 1},
        {"*": 1},
    ]
    assert left() == []


def test_policy_of_a_model_may_say_its_term_and_the_longer_of_two_holds() -> None:
    write("row.update", kind="museum.work")
    seal_all()
    policies = [
        AuditPolicy(model_label="museum.work", retention="3y"),
        AuditPolicy(model_label="museum.work", grid="g", retention="30d"),
    ]
    audit_policies().set("tests", policies)
    try:
        with ruled({"*": "1d"}):
            assert purge(now=later(days=400)).removed == 0
            assert dict(purge(now=later(days=1200)).by_rule) == {"museum.work row.*": 1}
    finally:
        audit_policies().drop("tests")


def test_trail_verifies_when_a_part_of_a_seal_and_when_whole_seals_have_gone() -> None:
    write("row.update", "row.create", "row.update", "row.create", "row.update", "row.update", "row.update")
    seal_all()
    with ruled({"row.update": "1y"}):
        assert purge(now=later(days=400)).removed == 5
        assert left() == ["row.create", "row.create"]
        assert verifies()
    with ruled({"row.*": "1y"}):
        assert purge(now=later(days=400)).removed == 2
    assert left() == []
    assert verifies()
    assert AuditPurge.objects.count() == 2


def test_archive_holds_the_records_and_proves_them_by_itself() -> None:
    made = write("row.update", "row.create", "row.update", "row.update")
    seal_all()

    with ruled({"row.update": "1y"}):
        (name,) = purge(now=later(days=400)).archives

    with storages["archive"].open(name) as file:
        packed = file.read()
    text = gzip.decompress(packed)
    receipt = AuditPurge.objects.get()
    assert receipt.archive_digest == hashlib.sha256(packed).hexdigest()
    assert (receipt.archive, receipt.count) == (name, 3)
    for item, is_there in zip(made, (True, False, True, True), strict=True):
        assert (str(item.uuid).encode() in text) is is_there
    report = verifier.FileVerifier([]).check(line + b"\n" for line in text.splitlines())
    assert (report.records, report.withheld) == (3, 1)


def test_record_goes_without_an_archive_where_no_storage_is_named() -> None:
    write("row.update")
    seal_all()

    with ruled({"*": "1y"}, AUDIT_ARCHIVE_STORAGE=None):
        assert purge(now=later(days=400)).archives == []
    assert AuditPurge.objects.get().archive == ""
    assert left() == []


def test_record_without_a_seal_and_one_that_a_destination_lacks_wait() -> None:
    write("row.update")
    seal_all()
    declare_destination("siem", "tests.audit.receivers.collect")
    write("row.create")

    report = purge(now=later(days=400))

    assert (report.removed, report.waiting) == (0, 3)
    seal_all()
    deliver("siem")
    assert purge(now=later(days=400)).removed == 3
    assert left() == []


def test_held_record_stays_until_the_hold_is_released() -> None:
    write("row.update", "row.create")
    seal_all()
    hold = place_hold("case 7", "asked by the court", HoldScope(target_type="shop.product", target_id="1"))

    with ruled({"row.*": "1y"}):
        report = purge(now=later(days=400))
        assert (report.removed, report.kept_by_hold, left()) == (1, 1, ["row.create"])
        release_hold(hold)
        release_hold(hold)
        assert purge(now=later(days=400)).removed == 1

    told = AuditRecord.objects.filter(target_type="audit-hold").order_by("pk").values_list("action", flat=True)
    assert list(told) == ["audit.hold", "audit.release"]


@pytest.mark.parametrize("step", ["between chunks", "before the archive is written"])
def test_hold_that_is_placed_while_a_purge_goes_on_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, step: str
) -> None:
    monkeypatch.setattr(purging, "CHUNK", 2)
    write(*["row.update"] * 6)
    seal_all()
    name = "ready_runs" if step == "between chunks" else "counts_by_rule"
    calls, real = [], getattr(purging, name)

    def placing(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            place_hold("case", "court", HoldScope(target_type="shop.product", target_id="3"))
        return real(*args)

    monkeypatch.setattr(purging, name, placing)
    with ruled({"row.*": "1y"}):
        report = purge(now=later(days=400))

    assert (report.removed, report.kept_by_hold, len(report.archives)) == (5, 1, 3)
    assert list(AuditRecord.objects.filter(target_type="shop.product").values_list("target_id", flat=True)) == ["3"]
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3
    assert verifies()


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, 2),
        ({"target_type": "Shop.Product"}, 2),
        ({"target_type": "shop.order"}, 0),
        ({"target_id": "1"}, 1),
        ({"actor_id": "actor-0"}, 1),
        ({"actor_id": "boss"}, 1),
        ({"since": MARCH}, 2),
        ({"until": MARCH}, 0),
        ({"since": MARCH, "target_id": "0"}, 1),
    ],
)
def test_hold_keeps_what_fits_all_that_it_names(options: dict[str, Any], kept: int) -> None:
    write("row.update")
    with acting(Actor.system("actor-1"), EventSource.API, impersonator=Actor.system("boss")):
        record("row.create", target=Target("shop.product", "1"))
    seal_all()
    place_hold("case", "why", HoldScope(**options))

    with ruled({"row.*": "1y"}):
        assert purge(now=later(days=400)).kept_by_hold == kept
    assert len(left()) == kept


@pytest.mark.parametrize(
    ("name", "reason", "times"), [("", "why", {}), ("case", "", {}), ("case", "why", {"since": MARCH, "until": MARCH})]
)
def test_hold_that_nobody_will_understand_is_refused(name: str, reason: str, times: dict[str, Any]) -> None:
    with pytest.raises(AuditRetentionError):
        place_hold(name, reason, HoldScope(**times))
    assert not AuditHold.objects.exists()


def test_dry_run_counts_and_changes_nothing() -> None:
    write("row.update")
    seal_all()

    report = purge(now=later(days=400), dry_run=True)

    assert (dict(report.by_rule), report.archives) == ({"*": 1}, [])
    assert left() == ["row.update"]
    assert not AuditPurge.objects.exists()


def test_purge_that_fails_leaves_records_and_no_archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    write("row.update")
    seal_all()

    def failing(*_args: Any) -> None:
        raise OSError("disk")

    monkeypatch.setattr(purging, "_delete", failing)
    with pytest.raises(OSError, match="disk"):
        purge(now=later(days=400))

    assert left() == ["row.update"]
    assert not AuditPurge.objects.exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_archive_stays_when_the_connection_is_lost_while_the_records_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    write("row.update")
    seal_all()

    @contextmanager
    def losing(using: str) -> Iterator[None]:
        with transaction.atomic(using=using):
            yield
        raise OperationalError("the server closed the connection")

    namespace = SimpleNamespace(atomic=losing, set_rollback=transaction.set_rollback)
    monkeypatch.setattr(purging, "transaction", namespace)
    with pytest.raises(OperationalError):
        purge(now=later(days=400))

    assert left() == []
    assert (tmp_path / AuditPurge.objects.get().archive).is_file()


def test_archive_that_the_storage_does_not_keep_as_it_was_written_lets_nothing_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    real = FileSystemStorage._save  # type: ignore[attr-defined]

    def torn(self: Any, name: str, content: Any) -> str:
        stored: str = real(self, name, ContentFile(content.read()[:-1]))
        return stored

    monkeypatch.setattr(FileSystemStorage, "_save", torn)
    write("row.update")
    seal_all()
    with pytest.raises(AuditRetentionError, match="does not give back the archive"):
        purge(now=later(days=400))

    assert left() == ["row.update"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_operation_goes_with_its_last_record() -> None:
    with acting(Actor.system("one"), EventSource.API):
        record("row.update", target=Target("shop.product", "1"))
        record("row.create", target=Target("shop.product", "2"))
    write("row.update")
    seal_all()

    with ruled({"row.update": "1y"}):
        purge(now=later(days=400))

    assert left() == ["row.create"]
    assert AuditOperation.objects.count() == 2, "that of the record that stays, and that of the purge"


def test_purge_is_recorded_with_what_it_removed() -> None:
    made = write("row.update", "row.create")
    seal_all()

    purge(now=later(days=400))

    told = AuditRecord.objects.get(action="audit.purge")
    receipt = AuditPurge.objects.get()
    assert told.target_id == str(receipt.pk)
    assert told.evidence == {
        "records": 2,
        "way": "rows",
        "first": made[0].pk,
        "last": made[1].pk,
        "rules": {"*": 2},
        "archive": receipt.archive,
        "archiveDigest": receipt.archive_digest,
    }


def test_large_purge_takes_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "CHUNK", 2)
    write(*["row.update"] * 5)
    seal_all()

    with ruled({"row.*": "1y"}):
        report = purge(now=later(days=400))
    assert report.removed == 5
    assert AuditPurge.objects.count() == 3
    told = []
    for name in report.archives:
        with storages["archive"].open(name) as file:
            told.append(gzip.decompress(file.read()))
    assert [text.count(b'{"purge"') for text in told] == [0, 1, 1], "receipts about the seals of the archive, not all"
    assert verifies()


def test_command_and_task_tell_what_they_did(capsys: Any) -> None:
    write("row.update")
    seal_all()

    call_command("gridkit_audit_purge", "--dry-run")
    assert "0 records would be removed; 0 are held, 0 are not sealed" in capsys.readouterr().out
    with ruled({"row.*": "soon"}), pytest.raises(CommandError, match="is no term"):
        call_command("gridkit_audit_purge")
    assert purge_audit() == 0


def test_command_names_rules_and_archives(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write("row.update")
    seal_all()
    monkeypatch.setattr(Term, "before", lambda _self, moment: moment)

    call_command("gridkit_audit_purge")

    told = capsys.readouterr().out
    assert "*: 1 records\nArchived as gridkit/audit/default/000000000001-" in told
    assert "1 records were removed" in told


def test_partitions_are_of_postgresql_only() -> None:
    elsewhere: Any = SimpleNamespace(vendor="oracle", alias="default", display_name="Oracle")
    assert not is_partitioned(elsewhere)
    with pytest.raises(AuditPartitionError, match="PostgreSQL's only; the database 'default' is Oracle"):
        require_postgres(elsewhere)
    if connection.vendor == "sqlite":
        with pytest.raises(CommandError, match="PostgreSQL's only"):
            call_command("gridkit_audit_partition", "convert")
        assert partition_audit() == 0
        assert check_audit_partitions(["default"]) == faults_of("default") == figures_of("default") == []


@pytest.mark.parametrize(
    ("options", "fault"),
    [({"database": "none"}, "There is no database 'none'"), ({"records": 0}, "takes a number from 1 up")],
)
def test_command_of_partitions_refuses_what_makes_no_sense(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(CommandError, match=fault):
        call_command("gridkit_audit_partition", **options)
