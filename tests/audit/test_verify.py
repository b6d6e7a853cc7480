"""Attacks on a stored trail: each is found and named, by somebody who knows the keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connection
from django.test import override_settings
from django.utils import timezone

from gridkit_django.audit.barrier import Barrier
from gridkit_django.audit.checkpoints import keep_up, note_of, origin_of
from gridkit_django.audit.evidence import EvidenceWriter
from gridkit_django.audit.receipts import make_receipt
from gridkit_django.audit.sealing import Sealer
from gridkit_django.audit.sealing.statement import digest_of, signed_bytes, statement_of
from gridkit_django.audit.signing import Ed25519Signer, HmacSigner, TrustedKeys
from gridkit_django.audit.verifier import FileVerifier, Note
from gridkit_django.audit.verify import DatabaseVerifier, FaultKind, Verification
from gridkit_django.exceptions import AuditChainError, AuditError
from gridkit_django.models import AuditCheckpoint, AuditPurge, AuditRecord, AuditSeal, AuditSigningKey
from tests.audit.chains import key, run_sql, sealer, trusting, write
from tests.audit.clocks import clock_back

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

RECORDS = "gridkit_django_auditrecord"
SEALS = "gridkit_django_auditseal"


@pytest.fixture
def signer() -> Ed25519Signer:
    return key()


@pytest.fixture
def made(signer: Ed25519Signer) -> list[AuditRecord]:
    """Nine records under three seals, and a checkpoint of the last."""
    made = write(9)
    sealer(signer).run()
    keep_up(DEFAULT_DB_ALIAS, signer)
    return made


def verify(*signers: Any, **options: Any) -> Verification:
    return DatabaseVerifier(DEFAULT_DB_ALIAS, trusted=trusting(*signers), **options).run()


def found(result: Verification) -> list[tuple[FaultKind, int | None, int | None]]:
    return [(fault.kind, fault.seal, fault.record) for fault in result.faults]


def exported(signer: Ed25519Signer) -> list[tuple[str, int | None, int | None]]:
    report = FileVerifier([signer.public_key]).check(EvidenceWriter(DEFAULT_DB_ALIAS).lines())
    return [(fault.kind, fault.seal, fault.record) for fault in report.faults]


def copy_of(record: AuditRecord, **changes: Any) -> None:
    """Copy a record by SQL, as somebody with the database's password can."""
    names = [field.column for field in AuditRecord._meta.concrete_fields if field.column != "id"]
    values = [f"'{changes[name]}'" if name in changes else name for name in names]
    run_sql(
        f"INSERT INTO {RECORDS} ({', '.join(names)}) SELECT {', '.join(values)} FROM {RECORDS} WHERE id = %s", record.pk
    )


def test_untouched_trail_is_good(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    result = verify(signer)
    assert result.is_good
    assert (result.seals, result.records, result.unsealed, result.last_seal) == (3, 9, 0, 3)
    assert result.last_digest == bytes(AuditSeal.objects.latest("number").digest)


def test_site_verifies_with_its_own_secrets_where_it_has_no_signing_key() -> None:
    write(2)
    Sealer(DEFAULT_DB_ALIAS).run()
    assert DatabaseVerifier(DEFAULT_DB_ALIAS).run().is_good
    with override_settings(SECRET_KEY="another"):
        result = DatabaseVerifier(DEFAULT_DB_ALIAS).run()
    assert result.faults[0].kind is FaultKind.UNKNOWN_KEY


@pytest.mark.parametrize(
    "change",
    [
        "actor_id = 'eve'",
        "target_id = '9'",
        "changes = '{}'",
        "occurred_at = '2020-01-01 00:00:00'",
        "grid = 'x'",
        "schema_version = 9",
    ],
)
def test_edited_record_is_named_also_in_the_export(signer: Ed25519Signer, made: list[AuditRecord], change: str) -> None:
    run_sql(f"UPDATE {RECORDS} SET {change} WHERE id = %s", made[4].pk)
    assert found(verify(signer)) == [(FaultKind.CHANGED, 2, made[4].pk)]
    assert exported(signer) == [("changed", 2, made[4].pk)]


def test_edited_record_without_a_mac_is_named_too(signer: Ed25519Signer) -> None:
    made = write(3)
    run_sql(f"UPDATE {RECORDS} SET mac = NULL")
    sealer(signer).run()
    run_sql(f"UPDATE {RECORDS} SET actor_id = 'eve' WHERE id = %s", made[1].pk)
    assert found(verify(signer)) == [(FaultKind.CHANGED, 1, made[1].pk)]


@pytest.mark.parametrize("change", ["impersonator_id = 'eve'", "reason = 'none'", "facts = '{}'", "source = 'admin'"])
def test_swapped_circumstances_of_an_act_change_its_records(
    signer: Ed25519Signer, made: list[AuditRecord], change: str
) -> None:
    act = AuditRecord.objects.get(pk=made[4].pk).operation
    named = act.id.hex if connection.vendor == "sqlite" else str(act.id)
    if change.startswith("facts"):
        change = 'facts = \'{"ip": "192.0.2.9"}\''
    run_sql(f"UPDATE gridkit_django_auditoperation SET {change} WHERE id = %s", named)
    assert found(verify(signer)) == [(FaultKind.CHANGED, 2, made[4].pk)]


def test_record_that_points_to_another_act_or_to_none_is_changed(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    other = f"(SELECT operation_id FROM {RECORDS} WHERE id = %s)"
    run_sql(f"UPDATE {RECORDS} SET operation_id = {other} WHERE id = %s", made[0].pk, made[4].pk)
    nobody = "0" * 32 if connection.vendor == "sqlite" else "00000000-0000-0000-0000-000000000000"
    run_sql(f"UPDATE {RECORDS} SET operation_id = %s WHERE id = %s", nobody, made[5].pk)
    assert found(verify(signer)) == [(FaultKind.CHANGED, 2, made[4].pk), (FaultKind.CHANGED, 2, made[5].pk)]


def test_deleted_record_is_missing(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    run_sql(f"DELETE FROM {RECORDS} WHERE id = %s", made[4].pk)
    assert found(verify(signer)) == [(FaultKind.MISSING, 2, made[4].pk)]


def test_records_that_changed_places_are_moved(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    one, other = made[3].pk, made[5].pk
    for old, new in ((one, -1), (other, one), (-1, other)):
        run_sql(f"UPDATE {RECORDS} SET id = %s WHERE id = %s", new, old)
    result = verify(signer)
    assert found(result) == [(FaultKind.MOVED, 2, one), (FaultKind.MOVED, 2, other)]
    assert result.faults[0].detail == f"the record has the content that was sealed as record {other}"


def test_record_that_took_the_place_of_one_in_another_batch_is_moved(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    run_sql(f"DELETE FROM {RECORDS} WHERE id = %s", made[1].pk)
    run_sql(f"UPDATE {RECORDS} SET id = %s WHERE id = %s", made[1].pk, made[7].pk)
    assert found(verify(signer)) == [(FaultKind.MOVED, 1, made[1].pk), (FaultKind.MISSING, 3, made[7].pk)]


def test_record_that_was_slipped_in_among_sealed_ones_is_added(signer: Ed25519Signer) -> None:
    made = write(3)
    run_sql(f"UPDATE {RECORDS} SET id = id + 1000 WHERE id = %s", made[2].pk)
    sealer(signer).run()
    copy_of(made[0], target_id="forged")
    run_sql(f"UPDATE {RECORDS} SET id = %s WHERE target_id = 'forged'", made[2].pk + 7)
    result = verify(signer, with_repeats=False)
    if connection.vendor == "sqlite":
        assert found(result) == [(FaultKind.ADDED, 1, made[2].pk + 7)]
    else:  # beyond the sequence, whose newest id is what a seal can vouch for
        assert found(result) == [(FaultKind.CHANGED, None, made[2].pk + 7)]


def test_record_before_the_first_one_is_added(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    copy_of(made[0])
    run_sql(f"UPDATE {RECORDS} SET id = -5 WHERE id = (SELECT max(id) FROM {RECORDS})")
    assert found(verify(signer))[0] == (FaultKind.ADDED, 1, -5)


def test_copied_record_has_a_right_mac_and_is_still_found(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    copy_of(made[4])
    sealer(signer).run()
    newest = AuditRecord.objects.latest("pk").pk
    assert found(verify(signer)) == [(FaultKind.REPEATED, None, newest)]


def test_record_forged_before_it_is_sealed_is_found_by_its_mac(signer: Ed25519Signer) -> None:
    made = write(2)
    run_sql(f"UPDATE {RECORDS} SET actor_id = 'eve' WHERE id = %s", made[0].pk)
    assert found(verify(signer)) == [(FaultKind.CHANGED, None, made[0].pk)]
    sealer(signer).run()
    assert found(verify(signer)) == [(FaultKind.CHANGED, 1, made[0].pk)]


def test_mac_of_a_foreign_key_is_a_fault_until_a_seal_proves_the_record(signer: Ed25519Signer) -> None:
    with override_settings(GRIDKIT={"AUDIT_MAC_KEYS": ["stolen"]}):
        made = write(1)
    assert found(verify(signer)) == [(FaultKind.UNKNOWN_KEY, None, made[0].pk)]
    sealer(signer).run()
    assert verify(signer).is_good


def test_tail_of_records_and_seals_that_was_cut_off_is_truncated(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    run_sql(f"DELETE FROM {SEALS} WHERE number = 3")
    run_sql(f"DELETE FROM {RECORDS} WHERE id > %s", made[5].pk)
    assert found(verify(signer)) == [(FaultKind.TRUNCATED, 3, None)]
    with pytest.raises(AuditChainError, match="ends at seal 2"):
        sealer(signer).run()


def test_cut_tail_is_seen_by_whoever_kept_a_checkpoint(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    kept = Note.parse(AuditCheckpoint.objects.get().text)
    run_sql("DELETE FROM gridkit_django_auditcheckpoint")
    run_sql(f"DELETE FROM {SEALS} WHERE number = 3")
    run_sql(f"DELETE FROM {RECORDS} WHERE id > %s", made[5].pk)
    assert verify(signer).is_good, "nothing in the database can tell"
    assert found(verify(signer, notes=[kept])) == [(FaultKind.TRUNCATED, 3, None)]


def test_everything_gone_is_seen_by_whoever_kept_a_checkpoint(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    kept = Note.parse(AuditCheckpoint.objects.get().text)
    for table in ("gridkit_django_auditcheckpoint", SEALS, RECORDS):
        run_sql(f"DELETE FROM {table}")
    write(9)
    sealer(signer).run()
    assert found(verify(signer, notes=[kept])) == [(FaultKind.CHANGED, 3, None)]


def test_removed_seal_is_missing_and_its_records_are_more_than_was_sealed(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    run_sql(f"DELETE FROM {SEALS} WHERE number = 2")
    kinds = found(verify(signer))
    assert kinds[0] == (FaultKind.MISSING, 2, None)
    assert [item for item in kinds if item[0] is FaultKind.ADDED] == [
        (FaultKind.ADDED, 3, item.pk) for item in made[3:6]
    ]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("total = 7", FaultKind.CHANGED),
        ("count = 2", FaultKind.CHANGED),
        ("spans = '[[1]]'", FaultKind.CHANGED),
        ("spans = '[[1, 99999999999999]]'", FaultKind.CHANGED),
        ("signature = previous", FaultKind.BAD_SIGNATURE),
    ],
)
def test_edited_seal_is_named_also_in_the_export(
    signer: Ed25519Signer, made: list[AuditRecord], change: str, kind: FaultKind
) -> None:
    run_sql(f"UPDATE {SEALS} SET {change} WHERE number = 2")
    assert (kind, 2) in [item[:2] for item in found(verify(signer))]
    assert exported(signer), "it must not keep the export from being made"


def test_seal_and_checkpoint_that_are_filed_as_others_are_named(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    run_sql(f"UPDATE {SEALS} SET last_id = last_id + 9 WHERE number = 2")
    run_sql("UPDATE gridkit_django_auditcheckpoint SET seal_number = 1")
    assert found(verify(signer)) == [(FaultKind.CHANGED, 2, None), (FaultKind.CHANGED, 3, None)]


def forge(seal: AuditSeal, by: Any, **changes: Any) -> bytes:
    """Make a seal again over what is stored now, with another key, and return its digest."""
    for name, value in {**changes, "key_id": by.key_id}.items():
        setattr(seal, name, value)
    statement = statement_of(seal)
    digest, signature = digest_of(statement), by.sign(signed_bytes(statement))
    names = [*changes, "key_id", "digest", "signature"]
    values = [*changes.values(), by.key_id, digest, signature]
    run_sql(f"UPDATE {SEALS} SET {', '.join(f'{name} = %s' for name in names)} WHERE number = %s", *values, seal.number)
    return digest


def test_stolen_database_sealed_again_with_another_key_is_not_believed(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    thief = key()
    run_sql(f"UPDATE {RECORDS} SET actor_id = 'eve', mac = NULL WHERE id = %s", made[4].pk)
    run_sql("DELETE FROM gridkit_django_auditcheckpoint")
    run_sql(f"DELETE FROM {SEALS} WHERE number > 1")
    sealer(thief, despite=True).run()
    assert AuditSigningKey.objects.filter(key_id=thief.key_id).exists()
    assert found(verify(signer)) == [(FaultKind.UNKNOWN_KEY, 2, None)]
    write(1)
    with pytest.raises(AuditChainError, match="not signed with a key of this site"):
        sealer(signer).run()


def test_one_seal_made_again_by_a_thief_breaks_the_chain_behind_it(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    thief, middle = key(), AuditSeal.objects.get(number=2)
    AuditSigningKey.objects.create(key_id=thief.key_id, public_key=thief.public_key)
    forge(middle, thief, root=b"x" * 32)
    kinds = found(verify(signer))
    assert (FaultKind.CHANGED, 3, None) in kinds, "seal 3 follows another seal 2"


def test_thief_can_not_pass_his_key_off_under_the_id_of_ours(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    thief = key()
    run_sql("UPDATE gridkit_django_auditsigningkey SET public_key = %s", thief.public_key)
    thief.key_id = signer.key_id
    forge(AuditSeal.objects.get(number=3), thief)
    assert (FaultKind.BAD_SIGNATURE, 3, None) in found(verify(signer))


def test_seals_signed_with_the_sites_secrets_do_not_follow_public_signatures(signer: Ed25519Signer) -> None:
    site = HmacSigner("secret")
    write(3)
    sealer(signer).run()
    write(1)
    sealer(signer, despite=True).run()
    forge(AuditSeal.objects.get(number=2), site)
    trusted = TrustedKeys([signer.public_key], ["secret"])
    result = DatabaseVerifier(DEFAULT_DB_ALIAS, trusted=trusted).run()
    assert found(result) == [(FaultKind.BAD_SIGNATURE, 2, None)]


def test_keys_are_rotated_in_mid_stream_and_the_newest_vouches_for_all(signer: Ed25519Signer) -> None:
    second = key()
    write(3)
    sealer(signer).run()
    write(3)
    sealer(second, trusted=trusting(signer, second)).run()
    assert verify(second).is_good
    assert verify(signer, second).is_good
    assert found(verify(signer)) == [(FaultKind.UNKNOWN_KEY, 2, None)], "the old key can't vouch for the new one"
    run_sql(f"UPDATE {SEALS} SET signature = previous WHERE number = 1")
    assert found(verify(second)) == [(FaultKind.BAD_SIGNATURE, 1, None)]


def test_key_of_macs_is_rotated_in_mid_stream_before_records_are_sealed(signer: Ed25519Signer) -> None:
    write(2)
    sealer(signer).run()
    write(2)
    with override_settings(GRIDKIT={"AUDIT_MAC_KEYS": ["new"]}):
        made = write(2)
        result = verify(signer)
        assert (result.is_good, result.unsealed) == (True, 4)
        run_sql(f"UPDATE {RECORDS} SET actor_id = 'eve' WHERE id = %s", made[0].pk)
        assert found(verify(signer)) == [(FaultKind.CHANGED, None, made[0].pk)]
        sealer(signer).run()
        assert len(found(verify(signer))) == 1, "sealing does not make it true"


def test_clock_that_goes_back_changes_nothing(signer: Ed25519Signer) -> None:
    first = write(3)
    sealer(signer).run()
    keep_up(DEFAULT_DB_ALIAS, signer)
    with clock_back(dt.timedelta(days=400)):
        late = write(3)
        sealer(signer).run()
        assert keep_up(DEFAULT_DB_ALIAS, signer), "a checkpoint is made all the same"
        assert verify(signer).is_good
    assert max(item.occurred_at for item in late) < min(item.occurred_at for item in first), "it did go back"
    assert verify(signer).is_good
    seals = list(AuditSeal.objects.order_by("number"))
    assert [seal.total for seal in seals] == [3, 6]
    assert seals[1].sealed_at < seals[0].sealed_at


def test_record_that_waits_too_long_for_its_seal_is_told(signer: Ed25519Signer) -> None:
    made = write(2)
    result = verify(signer)
    assert (result.is_good, result.unsealed) == (True, 2)
    with override_settings(GRIDKIT={"AUDIT_UNSEALED_SECONDS": 1}):
        run_sql(f"UPDATE {RECORDS} SET mac = NULL, occurred_at = %s WHERE id = %s", "2020-01-01 00:00:00", made[1].pk)
        assert found(verify(signer)) == [(FaultKind.UNSEALED, None, made[1].pk)]


def test_run_begins_at_a_seal_and_takes_what_is_before_as_true(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    run_sql(f"UPDATE {RECORDS} SET actor_id = 'eve' WHERE id IN (%s, %s)", made[0].pk, made[8].pk)
    result = verify(signer, first=2)
    assert (result.seals, found(result)) == (2, [(FaultKind.CHANGED, 3, made[8].pk)])
    assert verify(signer, first=4).records == 0
    with pytest.raises(AuditChainError, match="no seal 8"):
        verify(signer, first=9)


def test_checkpoints_that_are_forged_or_damaged_are_told(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    thief, seal = key(), AuditSeal.objects.get(number=2)
    text, signature = note_of(origin_of(DEFAULT_DB_ALIAS), seal, thief, timezone.now())
    fields = {"seal_number": 2, "total": 6, "digest": b"", "key_id": thief.key_id, "signature": signature}
    AuditCheckpoint.objects.create(text=text, **fields)
    AuditCheckpoint.objects.create(text="nothing", **fields)
    ours, _ = note_of(origin_of(DEFAULT_DB_ALIAS), seal, signer, timezone.now())
    AuditCheckpoint.objects.create(text=ours.replace("\n6\n", "\n5\n"), **fields)
    assert {(fault.kind, fault.seal) for fault in verify(signer).faults} == {
        (FaultKind.UNKNOWN_KEY, 2),
        (FaultKind.CHANGED, 2),
        (FaultKind.BAD_SIGNATURE, 2),
    }


def purge(signer: Any, records: list[AuditRecord]) -> AuditPurge:
    """Remove records with a receipt, as retention does."""
    receipt = make_receipt(DEFAULT_DB_ALIAS, [(item.pk, item.pk) for item in records], signer=signer)
    receipt.save()
    for item in records:
        run_sql(f"DELETE FROM {RECORDS} WHERE id = %s", item.pk)
    return receipt


@pytest.mark.parametrize(
    ("gone", "seals_with_digests"),
    [(slice(0, 3), []), (slice(0, 4), ["2"]), (slice(4, 5), ["2"]), (slice(1, 8), ["1", "3"]), (slice(0, 9), [])],
)
def test_purged_records_do_not_break_the_proof_of_the_others(
    signer: Ed25519Signer, made: list[AuditRecord], gone: slice, seals_with_digests: list[str]
) -> None:
    receipt = purge(signer, made[gone])
    assert list(receipt.leaves) == seals_with_digests
    result = verify(signer)
    assert (result.is_good, result.purged) == (True, len(made[gone]))


def test_second_purge_of_a_batch_goes_on_where_the_first_one_ended(
    signer: Ed25519Signer, made: list[AuditRecord]
) -> None:
    purge(signer, made[3:4])
    assert list(purge(signer, made[4:6]).leaves) == []
    assert verify(signer).is_good


def test_edit_beside_purged_records_is_still_named(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    purge(signer, made[3:4])
    run_sql(f"UPDATE {RECORDS} SET actor_id = 'eve' WHERE id = %s", made[4].pk)
    assert found(verify(signer)) == [(FaultKind.CHANGED, 2, made[4].pk)]


@pytest.mark.parametrize("is_registered", [True, False])
def test_receipt_that_a_thief_signed_excuses_nothing(
    signer: Ed25519Signer, made: list[AuditRecord], *, is_registered: bool
) -> None:
    thief = key()
    if is_registered:
        AuditSigningKey.objects.create(key_id=thief.key_id, public_key=thief.public_key)
    purge(thief, made[4:5])
    assert found(verify(signer)) == [(FaultKind.UNKNOWN_KEY, None, None), (FaultKind.MISSING, 2, made[4].pk)]


def test_edited_receipt_excuses_nothing(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    purge(signer, made[4:5])
    with Barrier(connection).lowered():
        AuditPurge.objects.update(spans=[[made[3].pk, made[5].pk]])
    kinds = found(verify(signer))
    assert kinds == [(FaultKind.BAD_SIGNATURE, None, None), (FaultKind.MISSING, 2, made[4].pk)]


def test_receipt_is_refused_for_what_is_not_sealed_or_not_there(signer: Ed25519Signer, made: list[AuditRecord]) -> None:
    new = write(1)
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: make_receipt(DEFAULT_DB_ALIAS, [(new[0].pk, new[0].pk)], signer=signer), "1 of these records have no"),
        (
            lambda: purge(signer, made[4:5]) and make_receipt(DEFAULT_DB_ALIAS, [(made[4].pk,) * 2], signer=signer),
            "not there",
        ),
    ]
    for act, text in cases:
        with pytest.raises(AuditError, match=text):
            act()
