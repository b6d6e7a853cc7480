"""Checkpoints leave the machine: by the log and by a hook, in time, and again after a failure."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connection
from django.test import override_settings
from django.utils import timezone

from gridkit_django.audit.barrier import Barrier
from gridkit_django.audit.checkpoints import keep_up, origin_of
from gridkit_django.audit.signing import Ed25519Signer, HmacSigner
from gridkit_django.audit.verifier import Note, notes_in
from gridkit_django.models import AuditCheckpoint, AuditSeal
from tests.audit.chains import key, sealer, write

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

LOG = "gridkit_django.audit.checkpoint"
kept: list[tuple[str, str]] = []


def keep(alias: str, note: str) -> None:
    kept.append((alias, note))


def fail(alias: str, note: str) -> None:
    raise OSError("no such place")


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    kept.clear()


@pytest.fixture
def signer() -> Ed25519Signer:
    return key()


def seal(signer: Any, count: int = 1) -> None:
    for _ in range(count):
        write(1)
        sealer(signer).run()


def test_checkpoint_is_a_signed_note_about_the_last_seal(
    signer: Ed25519Signer, caplog: pytest.LogCaptureFixture
) -> None:
    seal(signer, 2)
    with caplog.at_level("INFO", LOG):
        made = keep_up(DEFAULT_DB_ALIAS, signer)
    assert made is not None
    note, last = Note.parse(made.text), AuditSeal.objects.latest("number")
    assert (note.origin, note.seal, note.total) == (origin_of(DEFAULT_DB_ALIAS), 2, 2)
    assert note.digest == bytes(last.digest)
    assert note.is_by(signer.public_key)
    assert not note.is_by(key().public_key)
    (line,) = [item.getMessage() for item in caplog.records if item.name == LOG]
    assert json.loads(line) == {"checkpoint": made.text, "database": DEFAULT_DB_ALIAS}
    assert notes_in(f"12:00 INFO {line}") == [note]
    assert AuditCheckpoint.objects.get().told_at


def test_checkpoint_is_made_after_so_many_seals_or_minutes(signer: Ed25519Signer) -> None:
    assert keep_up(DEFAULT_DB_ALIAS, signer) is None, "there is no chain"
    with override_settings(GRIDKIT={"AUDIT_CHECKPOINT_SEALS": 2, "AUDIT_CHECKPOINT_MINUTES": 5}):
        seal(signer)
        assert keep_up(DEFAULT_DB_ALIAS, signer)
        seal(signer)
        assert keep_up(DEFAULT_DB_ALIAS, signer) is None
        seal(signer)
        assert keep_up(DEFAULT_DB_ALIAS, signer)
        with Barrier(connection).lowered():
            AuditCheckpoint.objects.update(made_at=timezone.now() - timedelta(minutes=6))
        assert keep_up(DEFAULT_DB_ALIAS, signer) is None, "nothing new was sealed"
        seal(signer)
        assert keep_up(DEFAULT_DB_ALIAS, signer)
    assert list(AuditCheckpoint.objects.order_by("pk").values_list("seal_number", flat=True)) == [1, 3, 4]


def test_hook_is_given_each_checkpoint_and_again_after_it_failed(
    signer: Ed25519Signer, caplog: pytest.LogCaptureFixture
) -> None:
    seal(signer)
    with override_settings(GRIDKIT={"AUDIT_CHECKPOINT_HOOK": f"{__name__}.fail"}):
        keep_up(DEFAULT_DB_ALIAS, signer)
    assert "could not be given to" in caplog.text
    assert AuditCheckpoint.objects.get().told_at is None
    with override_settings(GRIDKIT={"AUDIT_CHECKPOINT_HOOK": f"{__name__}.keep"}):
        keep_up(DEFAULT_DB_ALIAS, signer)
    made = AuditCheckpoint.objects.get()
    assert kept == [(DEFAULT_DB_ALIAS, made.text)]
    assert made.told_at


def test_site_without_a_signing_key_makes_checkpoints_that_it_can_check_itself() -> None:
    site = HmacSigner("secret")
    write(1)
    sealer(site, trusted=None).run()
    made = keep_up(DEFAULT_DB_ALIAS, site)
    assert made is not None
    note = Note.parse(made.text)
    assert note.signature == site.sign(note.text)
