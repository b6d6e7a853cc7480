"""What an auditor is handed: files that were cut, thinned out, or collected, and checkpoints that were kept."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import DEFAULT_DB_ALIAS
from django.test import override_settings

from gridkit_django.audit import verifier
from gridkit_django.audit.checkpoints import keep_up
from gridkit_django.audit.delivery import declare_destination, deliver
from gridkit_django.audit.evidence import EvidenceWriter
from gridkit_django.audit.receipts import make_receipt
from gridkit_django.audit.signing import Ed25519Signer, public_text
from gridkit_django.audit.verify import DatabaseVerifier, FaultKind
from gridkit_django.models import AuditCheckpoint, AuditDestination, AuditPurge, AuditRecord
from tests.audit.chains import key, run_sql, sealer, trusting, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def signer() -> Ed25519Signer:
    return key()


@pytest.fixture
def made(signer: Ed25519Signer) -> list[AuditRecord]:
    """Nine records under three seals, and a checkpoint."""
    made = write(9)
    sealer(signer).run()
    keep_up(DEFAULT_DB_ALIAS, signer)
    return made


@pytest.fixture
def small_batches() -> Iterator[None]:
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, "AUDIT_BATCH_RECORDS": 2}):
        yield


def lines(first: int = 1) -> list[bytes]:
    return list(EvidenceWriter(DEFAULT_DB_ALIAS, first=first).lines())


def check(text: list[bytes], signer: Ed25519Signer, *notes: verifier.Note) -> verifier.Report:
    return verifier.FileVerifier([signer.public_key], notes).check(text)


def kinds(report: verifier.Report) -> list[str]:
    return [fault.kind for fault in report.faults]


def seals_in(text: list[bytes]) -> list[int]:
    """Return the places of the lines of seals."""
    return [at for at, line in enumerate(text) if line.startswith(b'{"seal"')]


def removed(signer: Ed25519Signer, first: AuditRecord, last: AuditRecord) -> None:
    """Purge some records."""
    make_receipt(DEFAULT_DB_ALIAS, [(first.pk, last.pk)], signer=signer).save()
    run_sql("DELETE FROM gridkit_django_auditrecord WHERE id BETWEEN %s AND %s", first.pk, last.pk)


def collected(path: Path, signer: Ed25519Signer) -> verifier.Report:
    with path.open("rb") as file:
        return check(list(verifier.collected(file)), signer)


def test_records_that_are_withheld_are_counted_by_what_was_sealed_and_not_by_what_the_file_says(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    text = lines()
    second, third = seals_in(text)[1:]
    text[second + 1 : third] = [b'{"withheld":{"all":0}}\n']

    report = check(text, signer)

    assert (report.records, report.withheld, report.faults) == (6, 3, [])


def test_file_whose_beginning_was_cut_off_tells_where_it_begins(
    signer: Ed25519Signer, made: list[AuditRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = lines()
    first, second = seals_in(text)[:2]
    path = tmp_path / "trail.ndjson"
    path.write_bytes(b"".join([*text[:first], *text[second:-1], b'{"end":{"seals":2,"records":6}}\n']))

    assert verifier.main([str(path), "--key", public_text(signer.public_key)]) == 0
    assert "2 seals (2 to 3), 6 records" in capsys.readouterr().out


def test_checkpoints_that_were_kept_in_one_file_are_all_compared(
    signer: Ed25519Signer, made: list[AuditRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(3)
    sealer(signer).run()
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, "AUDIT_CHECKPOINT_SEALS": 1}):
        keep_up(DEFAULT_DB_ALIAS, signer)
    path, kept = tmp_path / "trail.ndjson", tmp_path / "kept.txt"
    kept.write_text("".join(AuditCheckpoint.objects.order_by("pk").values_list("text", flat=True)))
    words = ["--key", public_text(signer.public_key), "--checkpoint", str(kept)]

    path.write_bytes(b"".join(lines()))
    assert verifier.main([str(path), *words]) == 0
    assert "2 of 2 kept checkpoints compared\n" in capsys.readouterr().out
    path.write_bytes(b"".join(lines(first=5)))
    assert verifier.main([str(path), *words]) == 1, "the file has no seal that the checkpoint could be about"
    path.write_bytes(b"".join(lines(first=4)))
    assert verifier.main([str(path), *words]) == 0
    assert "1 of 2 kept checkpoints compared\n" in capsys.readouterr().out


def test_auditor_without_a_checkpoint_is_told_what_they_can_not_see(
    signer: Ed25519Signer, made: list[AuditRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trail.ndjson"
    path.write_bytes(b"".join(lines()))

    assert verifier.main([str(path), "--key", public_text(signer.public_key)]) == 0
    assert "0 of 0 kept checkpoints compared; without one it can't be seen" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "no checkpoint\n", "a\n\n\u2014 a b\n"])
def test_text_without_a_checkpoint_is_named_as_such(text: str) -> None:
    with pytest.raises(ValueError, match="there is no checkpoint"):
        verifier.notes_in(text)


def test_checkpoint_of_another_chain_is_told_though_its_seal_is_not_in_the_file(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    note = verifier.Note.parse(AuditCheckpoint.objects.get().text)
    note.origin = "gridkit/0000000000000000"
    note.text = note.text.replace(note.text.split(b"\n")[0], note.origin.encode())
    named = hashlib.sha256(note.origin.encode() + b"\n\x01" + signer.public_key).digest()[:4]
    note.key_hash, note.signature = named, signer.sign(note.text)
    write(3)
    sealer(signer).run()

    assert kinds(check(lines(first=4), signer, note)) == [verifier.CHANGED]


@pytest.mark.parametrize("spans", ["[[1,99999999999]]", "[[1,99999999999],[99999999999,4]]"])
def test_forged_seal_over_more_records_than_it_can_name_is_told_at_once(
    signer: Ed25519Signer, made: list[AuditRecord], spans: str
) -> None:
    text = lines()
    place = seals_in(text)[0]
    item = json.loads(text[place])
    said = json.loads(item["seal"])
    said["spans"] = json.loads(spans)
    text[place] = json.dumps({**item, "seal": json.dumps(said)}).encode() + b"\n"

    report = check(text, signer)

    assert (report.faults[0].kind, report.faults[0].seal) == (verifier.BAD_SIGNATURE, 1)
    assert "other marks than records" in report.faults[1].detail


def test_receipt_of_another_chain_with_the_same_key_excuses_nothing(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    foreign = make_receipt(DEFAULT_DB_ALIAS, [(made[0].pk, made[2].pk)], signer=signer)
    for table in ("auditcheckpoint", "auditseal"):
        run_sql(f"DELETE FROM gridkit_django_{table}")
    sealer(signer).run()
    honest = lines()
    foreign.save()
    run_sql("DELETE FROM gridkit_django_auditrecord WHERE id <= %s", made[2].pk)

    found = [fault.kind for fault in DatabaseVerifier(DEFAULT_DB_ALIAS, trusted=trusting(signer)).run().faults]
    assert found == [FaultKind.BAD_SIGNATURE, FaultKind.MISSING]
    assert kinds(check(lines(), signer)) == [verifier.BAD_SIGNATURE, verifier.MISSING]
    assert kinds(check(honest, signer)) == []


def test_receipt_that_names_another_chain_in_a_file_is_told(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    removed(signer, made[0], made[2])
    (receipt,) = [line for line in lines() if line.startswith(b'{"purge"')]
    for table in ("auditcheckpoint", "auditseal", "auditpurge"):
        run_sql(f"DELETE FROM gridkit_django_{table}")
    sealer(signer).run()
    text = lines()
    text.insert(2, receipt)

    assert kinds(check(text, signer)) == [verifier.CHANGED]


@pytest.mark.both_databases
@pytest.mark.usefixtures("small_batches")
def test_collected_file_with_batches_that_came_again_and_a_torn_line_is_proven(
    signer: Ed25519Signer, made: list[AuditRecord], tmp_path: Path
) -> None:
    path = tmp_path / "audit.ndjson"
    declare_destination("there", f"file://{path}")
    deliver("there")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"seal":"{')
    AuditDestination.objects.update(cursor=1, offset=2)
    deliver("there")

    report = collected(path, signer)

    assert len(path.read_bytes()) > len(whole)
    assert (report.faults, report.seals, report.records) == ([], 3, 9)
    lost = [line for line in path.read_bytes().splitlines(keepends=True) if b',"id":%d,' % made[4].pk not in line]
    assert kinds(check(list(verifier.collected(lost)), signer)) == [verifier.MISSING]


@pytest.mark.both_databases
@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("gone", [(0, 3), (1, 1), (3, 5), (2, 6)])
def test_destination_that_is_added_after_a_purge_gets_what_excuses_the_gaps(
    signer: Ed25519Signer, made: list[AuditRecord], tmp_path: Path, gone: tuple[int, int]
) -> None:
    removed(signer, made[gone[0]], made[gone[1]])
    declare_destination("there", f"file://{tmp_path}/audit.ndjson")

    deliver("there")

    report = collected(tmp_path / "audit.ndjson", signer)
    assert (report.faults, report.records) == ([], 9 - (gone[1] - gone[0] + 1))
    assert (report.last_seal, AuditDestination.objects.get().cursor) == (3, 3)


def test_packed_file_that_was_damaged_can_not_be_read_and_says_so(
    signer: Ed25519Signer, made: list[AuditRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = bytearray(gzip.compress(b"".join(lines())))
    path = tmp_path / "trail.ndjson.gz"
    for damaged in (bytes(packed[:-20]), bytes(packed[:30]) + bytes(40) + bytes(packed[70:])):
        path.write_bytes(damaged)
        assert verifier.main([str(path), "--key", public_text(signer.public_key)]) == 2
        assert capsys.readouterr().err


@pytest.mark.both_databases
def test_export_of_a_trail_whose_first_seal_was_removed_is_written_all_the_same(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    run_sql("DELETE FROM gridkit_django_auditseal WHERE number = 1")

    report = check(lines(), signer)

    assert (report.first_seal, report.records) == (2, 6)
    assert not AuditPurge.objects.exists()
