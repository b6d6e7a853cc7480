"""Purges of partitions: dropped whole when all of it may go, with the same trace as any purge; else row by row."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import OperationalError, connection

from gridkit_django.audit import Target, record, verifier
from gridkit_django.audit.barrier import Barrier
from gridkit_django.audit.delivery import declare_destination, deliver
from gridkit_django.audit.partitions import (
    Conversion,
    detach,
    dropping,
    faults_of,
    finish_detached,
    is_partitioned,
    partitions_of,
)
from gridkit_django.audit.partitions.catalog import ask, detached_tables
from gridkit_django.audit.retention import HoldScope, Term, archive, place_hold, purge, release_hold, whole
from gridkit_django.audit.sealing import seal_all
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditPartitionBusyError
from gridkit_django.models import AuditHold, AuditOperation, AuditPurge, AuditRecord
from tests.audit.test_retention import later, left, ruled, site, verifies, write

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]

__all__ = ["site"]


@pytest.fixture(autouse=True)
def parts(site: None) -> Iterator[list[str]]:
    """A partitioned table of small partitions, and the names of those that the records of a test fill first."""
    with ruled({"*": "1y"}, AUDIT_PARTITION_RECORDS=5):
        Conversion("default").run()  # its own record is the first of the first partition
        yield [part.name for part in partitions_of(connection)]


def names() -> list[str]:
    return [part.name for part in partitions_of(connection)]


def test_partition_goes_whole_with_receipt_archive_and_record(parts: list[str]) -> None:
    made = write(*["row.update"] * 7)
    seal_all()

    report = purge(now=later(days=400))

    assert (report.removed, report.partitions, report.busy) == (8, parts[:1], [])
    assert dict(report.by_rule) == {"*": 8}
    assert names() == parts[1:]
    assert left() == []
    whole_one, rest = AuditPurge.objects.order_by("pk")
    assert (whole_one.count, rest.count) == (5, 3)
    told = [item.evidence for item in AuditRecord.objects.filter(action="audit.purge").order_by("pk")]
    assert [(item["way"], item.get("partition"), item["records"]) for item in told] == [
        ("partition", parts[0], 5),
        ("rows", None, 3),
    ]
    assert told[0]["last"] == made[3].pk
    acts = set(AuditOperation.objects.values_list("id", flat=True))
    assert acts == set(AuditRecord.objects.values_list("operation_id", flat=True)), "none is left of what went"
    assert detached_tables(connection) == []
    assert Barrier(connection).stands()
    assert verifies()


def test_archive_of_a_partition_holds_its_records_and_proves_them_by_itself() -> None:
    made = write(*["row.update"] * 7)
    seal_all()

    names = purge(now=later(days=400)).archives

    assert len(names) == 2
    with storages["archive"].open(names[0]) as file:
        text = gzip.decompress(file.read())
    assert [str(item.uuid).encode() in text for item in made] == [True] * 4 + [False] * 3
    report = verifier.FileVerifier([]).check(line + b"\n" for line in text.splitlines())
    assert report.records == 5


def test_archive_of_many_records_is_several_files_that_prove_themselves_and_a_list_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "FILE_RECORDS", 3)
    made = write(*["row.update"] * 7)
    seal_all()
    storage = storages["archive"]
    with monkeypatch.context() as patch:
        patch.setattr(archive, "_write_list", failing)
        with pytest.raises(OSError, match="full"):
            purge(now=later(days=400))
    assert storage.listdir("gridkit/audit/default")[1] == [], "nothing is left of an archive that failed"

    name = purge(now=later(days=400)).archives[0]

    receipt = AuditPurge.objects.get(archive=name)
    with storage.open(name) as file:
        text = file.read()
    assert hashlib.sha256(text).hexdigest() == receipt.archive_digest
    told = json.loads(text)
    assert told["database"] == "default"
    assert len(told["files"]) > 1
    found, seals = b"", []
    for item in told["files"]:
        with storage.open(item["file"]) as file:
            packed = file.read()
        assert hashlib.sha256(packed).hexdigest() == item["sha256"]
        lines = gzip.decompress(packed).splitlines()
        assert verifier.FileVerifier([]).check(line + b"\n" for line in lines).records <= 3
        found += b"".join(lines)
        seals += item["seals"]
    assert [str(item.uuid).encode() in found for item in made] == [True] * 4 + [False] * 3
    assert seals == sorted(seals)


def failing(*_arguments: Any) -> Any:
    raise OSError("the disk is full")


def test_operation_that_has_records_elsewhere_stays(parts: list[str]) -> None:
    with acting(Actor.system("one"), EventSource.API):
        for number in range(5):
            record("row.update", target=Target("shop.product", str(number)))
    seal_all()
    with ruled({"*": "1y"}, AUDIT_PARTITION_RECORDS=5):
        place_hold("case", "why", HoldScope(target_id="4"))
        seal_all()
        assert purge(now=later(days=400)).partitions == parts[:1]
    assert AuditRecord.objects.get(target_type="shop.product", target_id="4").operation.source == "api"


def test_partition_waits_for_its_last_record_and_is_not_eaten_row_by_row(parts: list[str]) -> None:
    write(*["row.update"] * 3, "row.create", *["row.update"] * 3)
    seal_all()
    rules = {"*": "380d", "row.create": "1y"}
    with ruled(rules, AUDIT_PARTITION_RECORDS=5):
        report = purge(now=later(days=370))
        assert (report.removed, report.deferred, report.partitions) == (0, 1, [])
        report = purge(now=later(days=390))
        assert (report.deferred, report.partitions) == (0, parts[:1])


@pytest.mark.parametrize(("days", "term"), [(0, "380d"), (31, "500d")])
def test_record_does_not_wait_for_a_partition_that_is_not_over_soon(days: int, term: str) -> None:
    write(*["row.update"] * 3, "row.create", *["row.update"] * 3)
    seal_all()
    with ruled({"*": term, "row.create": "1y"}, AUDIT_PARTITION_DAYS=days):
        report = purge(now=later(days=370))
    assert (report.removed, report.deferred, report.partitions) == (1, 0, [])


def test_held_record_keeps_its_partition_and_the_others_go_by_rows(parts: list[str]) -> None:
    write(*["row.update"] * 7)
    hold = place_hold("case 7", "asked by the court", HoldScope(target_type="shop.product", target_id="1"))
    seal_all()
    report = purge(now=later(days=400))
    assert (report.kept_by_hold, report.partitions) == (1, [])
    assert [item.target_id for item in AuditRecord.objects.filter(target_type="shop.product")] == ["1"]
    release_hold(hold)
    seal_all()
    assert parts[0] in purge(now=later(days=800)).partitions
    assert left() == []
    assert verifies()


def test_what_is_left_of_a_partition_goes_with_it(parts: list[str]) -> None:
    write(*["row.update"] * 7)
    seal_all()
    with ruled({"*": "1y"}, AUDIT_PARTITION_DAYS=0):
        hold = place_hold("case 7", "why", HoldScope(target_id="1"))
        seal_all()
        purge(now=later(days=400))
        release_hold(hold)
    receipts = AuditPurge.objects.count()
    with ruled({"row.*": "1y"}):
        purging = purge(now=later(days=800))
    assert purging.removed == 1
    assert purging.partitions == parts[:1]
    seal_all()
    assert AuditPurge.objects.count() == receipts + 1
    assert verifies()


def test_partition_waits_until_every_destination_has_it(parts: list[str]) -> None:
    declare_destination("siem", "tests.audit.receivers.collect")
    write(*["row.update"] * 7)
    seal_all()
    report = purge(now=later(days=400))
    assert (report.removed, report.waiting) == (0, 9)
    deliver("siem")
    assert purge(now=later(days=400)).partitions == parts[:1]


def test_partition_that_is_filled_still_goes_row_by_row(parts: list[str]) -> None:
    write("row.update")
    seal_all()
    report = purge(now=later(days=400))
    assert (report.removed, report.partitions) == (2, [])
    assert names() == parts


def test_dry_run_names_partitions_and_counts_nothing_twice(parts: list[str], capsys: Any) -> None:
    write(*["row.update"] * 7)
    seal_all()
    report = purge(now=later(days=400), dry_run=True)
    assert (report.removed, report.partitions, names()) == (8, parts[:1], parts)
    assert not AuditPurge.objects.exists()


def test_command_tells_of_partitions(parts: list[str], capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write(*["row.update"] * 7)
    seal_all()
    monkeypatch.setattr(Term, "before", lambda _self, moment: moment)
    with monkeypatch.context() as patch:
        patch.setattr(whole, "detach", lambda *_args: False)
        call_command("gridkit_audit_purge")
        assert f"The partition {parts[0]} was in use" in capsys.readouterr().out
    call_command("gridkit_audit_purge", "--dry-run")
    assert f"Would drop the partition {parts[0]}" in capsys.readouterr().out
    call_command("gridkit_audit_purge")
    assert f"Dropped the partition {parts[0]}" in capsys.readouterr().out


def test_login_that_does_not_own_the_table_removes_rows_and_the_owner_what_is_empty(parts: list[str]) -> None:
    write(*["row.update"] * 7)
    seal_all()
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE gk_app LOGIN")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO gk_app")
        cursor.execute("SET SESSION AUTHORIZATION gk_app")
    try:
        report = purge(now=later(days=400))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET SESSION AUTHORIZATION")
    assert (report.removed, report.partitions) == (8, [])
    assert verifies()
    receipts = AuditPurge.objects.count()
    with ruled({"row.*": "1y"}):
        report = purge(now=later(days=400))
    assert (report.removed, report.partitions, names()) == (0, parts[:1], parts[1:])
    assert AuditPurge.objects.count() == receipts


def test_hold_that_is_placed_while_the_archive_is_written_keeps_the_partition(
    parts: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    write(*["row.update"] * 7)
    seal_all()
    written = whole.write_archive

    def slow(*args: Any) -> Any:
        archive = written(*args)
        place_hold("case", "just now", HoldScope(target_id="1"))
        return archive

    with monkeypatch.context() as patch:
        patch.setattr(whole, "write_archive", slow)
        report = purge(now=later(days=400))
    assert (report.partitions, report.busy) == ([], parts[:1])
    assert AuditPurge.objects.count() == 1, "of the records of the partition that is filled"
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    assert AuditRecord.objects.filter(target_id="1").exists()
    release_hold(AuditHold.objects.get())

    def losing(*args: Any) -> bool:
        assert detach(*args)
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(whole, "detach", losing)
    with pytest.raises(OperationalError):
        purge(now=later(days=400))
    assert (tmp_path / AuditPurge.objects.latest("pk").archive).is_file(), "whether it went can't be known"


def test_partition_that_can_not_be_locked_or_holds_another_number_stays(
    parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(*["row.update"] * 7)
    seal_all()

    def busy(*_args: Any) -> bool:
        raise AuditPartitionBusyError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(whole, "detach", busy)
        assert purge(now=later(days=400)).busy == parts[:1]
    first = partitions_of(connection)[0]
    assert not detach("default", first, 4, lambda: True)
    assert names() == parts


def test_purge_that_was_killed_after_the_detachment_is_finished_by_the_next(
    parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(*["row.update"] * 7)
    seal_all()
    monkeypatch.setattr(dropping, "_ACTS_AT_ONCE", 2)

    def killed(*_args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dropping, "_remove_acts", killed)
        with pytest.raises(KeyboardInterrupt):
            purge(now=later(days=400))
    gone = parts[0].replace("auditrecord_", "auditrecord_gone_")
    assert detached_tables(connection) == [gone]
    assert f"{gone} was detached by a purge and not dropped. Run gridkit_audit_purge." in faults_of("default")
    assert verifies()
    assert finish_detached("default") == [gone]
    assert ask(connection, "SELECT to_regclass(%s)::text", gone) == [(None,)]
    assert is_partitioned(connection)


def test_partition_stays_while_another_process_removes_records_row_by_row(parts: list[str]) -> None:
    write(*["row.update"] * 7)
    assert purge(now=later(days=400)).waiting == 8, "no seal yet"
    seal_all()
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock_shared(1735081331, hashtext('detaching ' || current_schema()))"
            )
        report = purge(now=later(days=400))
    finally:
        other.close()
    assert (report.busy, names()) == (parts[:1], parts)


def test_partition_that_somebody_drops_is_missing_when_the_trail_is_verified(parts: list[str]) -> None:
    write(*["row.update"] * 7)
    assert verifies()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {parts[0]}")
    assert not verifies()
