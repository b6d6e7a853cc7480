"""The sealer: every record in exactly one seal, in chained and signed batches."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import override_settings

from gridkit_django.audit.merkle import MARK_BYTES, leaf_digest, root_of
from gridkit_django.audit.rows import RecordRows
from gridkit_django.audit.sealing import Sealed, Sealer, seal_all, sealed_aliases
from gridkit_django.audit.sealing.statement import digest_of, signed_bytes, statement_of
from gridkit_django.audit.signing import HMAC, KeyFile, SignatureCheck, TrustedKeys, public_text
from gridkit_django.exceptions import AppendOnlyError, AuditChainError, AuditFormError, AuditKeyError
from gridkit_django.models import AuditCheckpoint, AuditRecord, AuditSeal, AuditSigningKey
from tests.audit.chains import key, run_sql, sealed_ids, sealer, trusting, write

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_records_are_sealed_in_batches_that_follow_each_other() -> None:
    made, signer = write(7), key()
    assert sealer(signer).run() == Sealed(3, 7, is_done=True)
    assert sealed_ids() == [item.pk for item in made]
    seals = list(AuditSeal.objects.order_by("number"))
    assert [(seal.number, seal.count, seal.total) for seal in seals] == [(1, 3, 3), (2, 3, 6), (3, 1, 7)]
    assert [bytes(seal.previous) for seal in seals[1:]] == [bytes(seal.digest) for seal in seals[:-1]]
    assert [seal.low for seal in seals] == [seal.last_id for seal in seals]


def test_seal_is_the_signed_root_over_the_canonical_bytes() -> None:
    write(3)
    signer = key()
    seal = sealer(signer).seal_next()
    assert seal is not None
    stored = AuditSeal.objects.get()
    leaves = [leaf_digest(row.line()) for row in RecordRows("default").between(stored.first_id, stored.last_id)]
    assert bytes(stored.root) == root_of(leaves)
    assert bytes(stored.marks) == b"".join(leaf[:MARK_BYTES] for leaf in leaves)
    statement = statement_of(stored)
    assert digest_of(statement) == bytes(stored.digest)
    check = trusting(signer).check(stored.key_id, signed_bytes(statement), bytes(stored.signature))
    assert check is SignatureCheck.RIGHT


def test_nothing_new_makes_no_seal_and_a_run_goes_on_where_the_last_one_ended() -> None:
    signer = key()
    assert sealer(signer).run() == Sealed(0, 0, is_done=True)
    write(2)
    assert sealer(signer).run().records == 2
    assert sealer(signer).run().records == 0
    write(1)
    assert sealer(signer).run().records == 1


def test_run_begins_no_seal_after_its_time() -> None:
    write(7)
    assert sealer(key()).run(seconds=0) == Sealed(1, 3, is_done=False)


def test_each_part_of_a_seal_is_in_its_digest() -> None:
    write(2)
    seal = sealer(key()).seal_next()
    assert seal is not None
    changed = {
        "count": 1, "low": 0, "number": 9, "total": 9, "key_id": "x", "marks": b"x", "root": b"x", "previous": b"x",
        "spans": [[1, 1]],
    }  # fmt: skip
    for name, value in changed.items():
        before = getattr(seal, name)
        setattr(seal, name, value)
        assert digest_of(statement_of(seal)) != bytes(seal.digest), name
        setattr(seal, name, before)


def test_seals_are_written_once() -> None:
    write(1)
    seal = sealer(key()).seal_next()
    assert seal is not None
    for act in (seal.save, seal.delete, AuditSeal.objects.all().delete):
        with pytest.raises(AppendOnlyError):
            act()


def test_forged_record_is_sealed_as_it_is_and_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    made = write(2)
    run_sql("UPDATE gridkit_django_auditrecord SET actor_id = %s WHERE id = %s", "x", made[0].pk)
    assert sealer(key()).run().records == 2
    assert f"whose MAC is wrong before they were sealed: [{made[0].pk}]" in caplog.text


def test_record_too_damaged_to_be_read_does_not_hold_up_the_others() -> None:
    made = write(2)
    run_sql("UPDATE gridkit_django_auditrecord SET changes = %s WHERE id = %s", '{"a": 1, "a": 2}', made[0].pk)
    assert sealer(key()).run().records == 2


def test_record_of_a_form_of_a_later_version_waits_for_a_sealer_that_knows_it() -> None:
    made = write(2)
    run_sql("UPDATE gridkit_django_auditrecord SET schema_version = 9 WHERE id = %s", made[0].pk)
    with pytest.raises(AuditFormError, match="Upgrade"):
        sealer(key()).run()


def test_unknown_key_is_noted_once_and_retires_the_one_before() -> None:
    first, second = key(), key()
    write(4)
    sealer(first, limit=2).run()
    write(1)
    sealer(second, trusted=trusting(first, second)).run()
    keys = {row.key_id: row for row in AuditSigningKey.objects.all()}
    assert set(keys) == {first.key_id, second.key_id}
    assert keys[first.key_id].retired_at
    assert keys[second.key_id].retired_at is None
    assert bytes(keys[first.key_id].public_key) == first.public_key


def test_chain_signed_with_a_foreign_key_is_not_gone_on_with() -> None:
    write(1)
    sealer(key()).run()
    write(1)
    with pytest.raises(AuditChainError, match="not signed with a key of this site"):
        sealer(key()).run()
    assert sealer(key(), despite=True).run().seals == 1


def test_changed_last_seal_is_not_gone_on_with() -> None:
    signer = key()
    write(2)
    sealer(signer).run()
    run_sql("UPDATE gridkit_django_auditseal SET total = 1")
    with pytest.raises(AuditChainError, match="was changed"):
        sealer(signer).run()
    run_sql("UPDATE gridkit_django_auditseal SET spans = %s", '["x"]')
    with pytest.raises(AuditChainError, match="is damaged"):
        sealer(signer).run()


def test_chain_that_ends_before_its_checkpoint_is_not_gone_on_with() -> None:
    signer = key()
    write(1)
    sealer(signer).run()
    AuditCheckpoint.objects.create(seal_number=2, total=9, digest=b"", text="", key_id="", signature=b"")
    with pytest.raises(AuditChainError, match="ends at seal 1, but a checkpoint was made of seal 2"):
        sealer(signer).run()


def test_without_a_signing_key_seals_are_signed_with_the_sites_secrets() -> None:
    write(1)
    with override_settings(GRIDKIT={"AUDIT_MAC_KEYS": ["one"]}):
        assert Sealer("default").run().seals == 1
    write(1)
    with override_settings(GRIDKIT={"AUDIT_MAC_KEYS": ["two", "one"]}):
        assert Sealer("default").run().seals == 1
    assert [seal.key_id.startswith(HMAC) for seal in AuditSeal.objects.all()] == [True, True]
    assert not AuditSigningKey.objects.exists()
    write(1)
    with override_settings(GRIDKIT={"AUDIT_MAC_KEYS": ["three"]}), pytest.raises(AuditChainError):
        Sealer("default").run()


def test_site_goes_from_secrets_to_a_signing_key_but_not_back(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(KeyFile.new_text())
    write(1)
    Sealer("default").run()
    write(1)
    with override_settings(GRIDKIT={"AUDIT_SIGNING_KEY": str(path)}):
        Sealer("default").run()
    write(1)
    with pytest.raises(AuditKeyError, match="this process has none"):
        Sealer("default").run()


def test_new_key_file_knows_the_keys_before_it_so_that_the_chain_goes_on(tmp_path: Path) -> None:
    first, second = tmp_path / "one.pem", tmp_path / "two.pem"
    first.write_text(KeyFile.new_text())
    second.write_text(KeyFile.new_text(KeyFile.read(str(first))))
    for path in (first, second):
        write(1)
        with override_settings(GRIDKIT={"AUDIT_SIGNING_KEY": str(path)}):
            assert Sealer("default").run().seals == 1
    assert KeyFile.read(str(second)).retired == (KeyFile.read(str(first)).signer.public_key,)


def test_key_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_KEY", KeyFile.new_text())
    with override_settings(GRIDKIT={"AUDIT_SIGNING_KEY": "env:AUDIT_KEY"}):
        assert list(TrustedKeys.of_site().public_keys) == [KeyFile.read("env:AUDIT_KEY").signer.key_id]


@pytest.mark.parametrize("keys", [0, 2])
def test_file_without_exactly_one_key_is_refused(tmp_path: Path, keys: int) -> None:
    path = tmp_path / "key.pem"
    path.write_text("nothing\n" + "".join(KeyFile.new_text() for _ in range(keys)))
    with pytest.raises(AuditKeyError, match="exactly one Ed25519 private key"):
        KeyFile.read(str(path))


def test_web_process_that_may_not_read_the_key_still_knows_the_public_keys_of_the_settings() -> None:
    public = key().public_key
    told = {"AUDIT_SIGNING_KEY": "/nowhere/key.pem", "AUDIT_PUBLIC_KEYS": [public_text(public)]}
    with override_settings(GRIDKIT=told):
        assert list(TrustedKeys.of_site().public_keys.values()) == [public]
        with pytest.raises(AuditKeyError, match="can't be read"):
            TrustedKeys.of_site(with_signing_key=True)
    with (
        override_settings(GRIDKIT={"AUDIT_PUBLIC_KEYS": ["short"]}),
        pytest.raises(AuditKeyError, match="no public key"),
    ):
        TrustedKeys.of_site()


def test_every_database_is_sealed(caplog: pytest.LogCaptureFixture) -> None:
    write(1)
    assert sealed_aliases() == ["default"]
    assert seal_all() == {"default": Sealed(1, 1, is_done=True)}
    run_sql("UPDATE gridkit_django_auditseal SET total = 9")
    with pytest.raises(AuditChainError):
        seal_all()
    assert AuditRecord.objects.count() == 1
