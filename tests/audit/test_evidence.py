"""The export and its verifier: a file that proves itself to somebody who has one script and one public key."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import DEFAULT_DB_ALIAS

from gridkit_django.audit import verifier
from gridkit_django.audit.checkpoints import keep_up
from gridkit_django.audit.evidence import EvidenceWriter
from gridkit_django.audit.receipts import make_receipt
from gridkit_django.audit.rows import RecordRow
from gridkit_django.audit.sealing import Sealer
from gridkit_django.audit.signing import Ed25519Signer, public_text, site_signer
from gridkit_django.models import AuditCheckpoint, AuditRecord, AuditSeal
from tests.audit.chains import key, run_sql, sealer, trusting, write

pytestmark = pytest.mark.django_db

RFC_8032 = (
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     ("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     ("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     ("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")),
)  # fmt: skip


@pytest.fixture
def signer() -> Ed25519Signer:
    return key()


@pytest.fixture
def made(signer: Ed25519Signer) -> list[AuditRecord]:
    """Nine records under three seals, and a checkpoint."""
    made = write(9, name=['Zoë "☃"', None])
    sealer(signer).run()
    keep_up(DEFAULT_DB_ALIAS, signer)
    return made


def lines(**options: Any) -> list[bytes]:
    return list(EvidenceWriter(DEFAULT_DB_ALIAS, **options).lines())


def check(text: Sequence[bytes], *signers: Ed25519Signer, **options: Any) -> verifier.Report:
    return verifier.FileVerifier([item.public_key for item in signers], **options).check(text)


def found(report: verifier.Report) -> list[tuple[str, int | None, int | None]]:
    return [(fault.kind, fault.seal, fault.record) for fault in report.faults]


def place(text: Sequence[bytes], number: int) -> int:
    """Return where the line of a record is."""
    return next(at for at, line in enumerate(text) if line.startswith(b'{"action"') and b',"id":%d,' % number in line)


@pytest.mark.both_databases
def test_export_proves_itself(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    report = check(lines(), signer)
    assert (report.faults, report.seals, report.records, report.last_seal) == ([], 3, 9, 3)
    assert report.last_digest == bytes(AuditSeal.objects.latest("number").digest).hex()


@pytest.mark.parametrize("python", [[sys.executable, "-I"]])
def test_verifier_runs_alone_as_a_script(
    signer: Ed25519Signer, made: list[AuditRecord], tmp_path: Path, python: list[str]
) -> None:
    script, file, public = tmp_path / "check.py", tmp_path / "trail.ndjson", tmp_path / "key.txt"
    script.write_text(Path(verifier.__file__).read_text())
    file.write_bytes(b"".join(lines()))
    public.write_text(public_text(signer.public_key))
    command = [*python, str(script), str(file), "--key", str(public)]
    good = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert "3 seals (1 to 3), 9 records, 0 withheld, 0 purged, digest" in good.stdout
    file.write_bytes(file.read_bytes().replace(b'"id":"8"', b'"id":"9"'))
    bad = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert f"changed: seal 3, record {made[8].pk}: the record is not what was sealed" in bad.stdout


def swapped(text: list[bytes], one: int, other: int) -> None:
    text[one], text[other] = text[other], text[one]


def edited(text: list[bytes], at: int, old: bytes, new: bytes) -> None:
    assert old in text[at]
    text[at] = text[at].replace(old, new)


def exchanged(text: list[bytes], one: int, other: int) -> None:
    """Give two records each other's content, each under its own id."""
    ids = [json.loads(text[at])["id"] for at in (one, other)]
    swapped(text, one, other)
    for at, number, old in ((one, ids[0], ids[1]), (other, ids[1], ids[0])):
        text[at] = text[at].replace(b',"id":%d,' % old, b',"id":%d,' % number)


ATTACKS: list[tuple[Callable[[list[bytes], list[int]], Any], str, int | None, int | None]] = [
    (lambda text, at: edited(text, at[4], b"Product", b"Produkt"), "changed", 2, 4),
    (lambda text, at: text.pop(at[4]), "missing", 2, 4),
    (lambda text, at: text.insert(at[4], text[at[4]]), "added", 2, 4),
    (lambda text, at: text.insert(at[4], text[at[8]]), "added", 2, 8),
    (lambda text, at: swapped(text, at[3], at[4]), "moved", 2, 3),
    (lambda text, at: exchanged(text, at[3], at[4]), "moved", 2, 3),
    (lambda text, at: text.__delitem__(slice(at[3] - 1, at[6] - 1)), "missing", 2, None),
    (lambda text, at: text.__delitem__(slice(at[6] - 1, None)), "truncated", 2, None),
    (lambda text, at: edited(text, at[3] - 1, b'\\"total\\":6', b'\\"total\\":7'), "changed", 2, None),
    (lambda text, at: text.__setitem__(at[4], b"{\n"), "changed", 2, None),
    (lambda text, at: text.__setitem__(at[4], b'{"nothing":1}\n'), "changed", 2, None),
]  # fmt: skip


@pytest.mark.parametrize(("attack", "kind", "seal", "record"), ATTACKS)
def test_attack_on_the_file_is_found_and_named(
    signer: Ed25519Signer,
    made: list[AuditRecord],
    attack: Callable[[list[bytes], list[int]], Any],
    kind: str,
    seal: int | None,
    record: int | None,
) -> None:
    text = lines()
    attack(text, [place(text, item.pk) for item in made])
    first = found(check(text, signer))[0]
    assert first == (kind, seal, None if record is None else made[record].pk)


@pytest.mark.both_databases
def test_export_of_a_stolen_database_is_not_believed(signer: Ed25519Signer) -> None:
    thief = key()
    write(3)
    sealer(thief).run()
    text = lines()
    assert found(check(text, signer)) == [("unknown-key", 1, None)]
    assert check(text, thief).faults == []
    assert not check(text).trusted, "without a key nothing is proven"


def test_signature_of_a_seal_that_does_not_fit_is_told(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    run_sql("UPDATE gridkit_django_auditseal SET signature = root WHERE number = 1")
    assert found(check(lines(), signer)) == [("bad-signature", 1, None)]


@pytest.mark.both_databases
def test_copied_record_is_repeated(signer: Ed25519Signer) -> None:
    made = write(2)
    run_sql(
        "UPDATE gridkit_django_auditrecord SET uuid = (SELECT uuid FROM gridkit_django_auditrecord WHERE id = %s)",
        made[0].pk,
    )
    sealer(signer).run()
    assert found(check(lines(), signer)) == [("repeated", None, None)]


def test_newest_key_vouches_for_seals_of_the_keys_before_it(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    second = key()
    write(1)
    sealer(second, trusted=trusting(signer, second)).run()
    text = lines()
    assert check(text, second).faults == []
    assert found(check(text, signer)) == [("unknown-key", 4, None)]


def test_seals_without_a_public_signature_prove_nothing_to_others() -> None:
    write(1)
    Sealer(DEFAULT_DB_ALIAS).run()
    own = site_signer()
    keep_up(DEFAULT_DB_ALIAS, own)
    text = lines()
    assert found(check(text, key())) == [("unknown-key", 1, None)]

    checks = {own.key_id: lambda message, signature: own.sign(message) == signature}
    assert verifier.FileVerifier([], checks=checks).check(text).faults == [], "to the site they prove all"
    checks[own.key_id] = lambda message, signature: b"\ntime " not in message and own.sign(message) == signature
    assert found(verifier.FileVerifier([], checks=checks).check(text)) == [("unknown-key", 1, None)], "the checkpoint"


def test_checkpoint_that_was_kept_shows_that_the_end_was_cut_off(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    (note,) = verifier.notes_in(AuditCheckpoint.objects.get().text)
    assert check(lines(), signer, notes=[note]).faults == []
    assert found(check(lines(last=2), signer, notes=[note])) == [("truncated", 3, None)]
    note.digest = b"x" * 32
    assert found(check(lines(), signer, notes=[note])) == [("changed", 3, None)]
    note.text = b"x"
    assert found(check(lines(), signer, notes=[note])) == [("unknown-key", 3, None)]


@pytest.mark.both_databases
def test_part_of_the_chain_is_proven_alone(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    report = check(lines(first=2, last=2), signer)
    assert (report.faults, report.records, report.last_seal) == ([], 3, 2)


@pytest.mark.both_databases
def test_records_that_are_withheld_are_told_by_their_digests_and_the_others_are_proven(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    shown = {made[1].pk, made[3].pk, made[4].pk}

    def choice(rows: Sequence[RecordRow]) -> set[int]:
        return shown.intersection(row.id for row in rows)

    text = lines(choice=choice)
    report = check(text, signer)
    assert (report.faults, report.records, report.withheld) == ([], 3, 6)
    assert b"Product 7" not in b"".join(text)
    at = place(text, made[1].pk)
    text[at] = text[at].replace(b"Product", b"Produkt")
    assert found(check(text, signer)) == [("changed", 1, made[1].pk)]


@pytest.mark.both_databases
def test_purged_records_are_excused_by_a_signed_receipt_only(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    for by, expected in ((signer, []), (key(), [("unknown-key", None, None), ("missing", 2, made[6].pk - 2)])):
        gone = made[0:4] if by is signer else made[4:5]
        make_receipt(DEFAULT_DB_ALIAS, [(item.pk, item.pk) for item in gone], signer=by).save()
        run_sql("DELETE FROM gridkit_django_auditrecord WHERE id BETWEEN %s AND %s", gone[0].pk, gone[-1].pk)
        report = check(lines(), signer)
        assert found(report) == expected
        assert report.purged == 4
    text = [line.replace(b'\\"archive\\":\\"\\"', b'\\"archive\\":\\"x\\"') for line in lines()]
    assert ("bad-signature", None, None) in found(check(text, signer))


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_signatures_of_rfc_8032_fit(public: str, message: str, signature: str) -> None:
    assert verifier.ed25519_fits(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


def test_signatures_are_judged_as_the_library_judges_them() -> None:
    draw = random.Random(5)
    for _ in range(10):
        private = Ed25519PrivateKey.from_private_bytes(draw.randbytes(32))
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        message = draw.randbytes(draw.randrange(100))
        signature = private.sign(message)
        assert verifier.ed25519_fits(public, message, signature)
        assert not verifier.ed25519_fits(public, message + b"x", signature)
        for at in (0, 31, 32, 63):
            bad = bytearray(signature)
            bad[at] ^= 1 << draw.randrange(8)
            assert not verifier.ed25519_fits(public, message, bytes(bad))


def test_signature_that_is_malleable_or_malformed_does_not_fit(signer: Ed25519Signer) -> None:
    signature = signer.sign(b"x")
    scalar = int.from_bytes(signature[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    again = signature[:32] + scalar.to_bytes(32, "little")
    assert not verifier.ed25519_fits(signer.public_key, b"x", again), "S must be below the order"
    assert not verifier.ed25519_fits(b"\xff" * 32, b"x", signature), "y must be below the prime"
    assert not verifier.ed25519_fits((2).to_bytes(32, "little"), b"x", signature), "no point has this y"
    assert not verifier.ed25519_fits(signer.public_key, b"x", signature[:-1])
    assert not verifier.ed25519_fits((1 | 1 << 255).to_bytes(32, "little"), b"x", signature), "zero has no sign"


def run_main(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = verifier.main(list(words))
    caught = capsys.readouterr()
    return code, caught.out + caught.err


def test_command_answers_by_its_exit_code(
    signer: Ed25519Signer, made: list[AuditRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, pem, kept = tmp_path / "trail.ndjson", tmp_path / "key.pem", tmp_path / "site.log"
    file.write_bytes(b"".join(lines()))
    body = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + signer.public_key).decode()
    pem.write_text(f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    kept.write_text(f"2026-11-26 INFO {json.dumps({'checkpoint': AuditCheckpoint.objects.get().text})} end\n")
    code, out = run_main(str(file), "--key", str(pem), "--checkpoint", str(kept), "--json", capsys=capsys)
    assert (code, json.loads(out)["fault_count"]) == (0, 0)
    assert run_main(str(file), capsys=capsys)[0] == 2
    assert run_main(str(tmp_path / "none"), "--key", str(pem), capsys=capsys)[0] == 2
    assert run_main(str(file), "--key", "AAAA", capsys=capsys)[0] == 2
    code, out = run_main(str(file), "--key", public_text(key().public_key), capsys=capsys)
    assert (code, out.splitlines()[-1]) == (1, "1 faults")


def test_file_of_another_form_is_not_guessed_at(signer: Ed25519Signer) -> None:
    assert found(check([b'{"evidence":2}\n', b'{"end":{"seals":0,"records":0}}\n'], signer)) == [
        ("changed", None, None)
    ]
