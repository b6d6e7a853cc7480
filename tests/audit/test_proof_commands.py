"""The commands and the task around the proof, as an administrator and Celery call them."""

from __future__ import annotations

import gzip
import json
import stat
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS
from django.test import override_settings

from gridkit_django.audit.signing import KeyFile, public_text
from gridkit_django.checks import check_signing_key
from gridkit_django.management.commands import gridkit_audit_seal
from gridkit_django.models import AuditCheckpoint, AuditRecord, AuditSeal
from gridkit_django.tasks.audit import seal_audit
from tests.audit.chains import key, run_sql, write
from tests.celery_app import app

pytestmark = pytest.mark.django_db


def run(command: str, *words: str, **options: Any) -> str:
    out = StringIO()
    call_command(command, *words, stdout=out, **options)
    return out.getvalue()


def status(command: str, *words: str) -> int:
    with pytest.raises(CommandError) as caught:
        run(command, *words)
    return caught.value.returncode


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    run("gridkit_audit_keygen", str(path))
    return path


def test_key_is_written_for_its_owner_only_and_never_over_another(key_file: Path) -> None:
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    before = key_file.read_text()
    assert status("gridkit_audit_keygen", str(key_file)) == 1
    assert key_file.read_text() == before


def test_keygen_tells_the_public_key_and_takes_the_old_one_along(key_file: Path, tmp_path: Path) -> None:
    out = run("gridkit_audit_keygen", str(tmp_path / "new.pem"), "--replaces", str(key_file))
    new, old = KeyFile.read(str(tmp_path / "new.pem")), KeyFile.read(str(key_file))
    assert f"Public key: {public_text(new.signer.public_key)}" in out
    assert new.retired == (old.signer.public_key,)
    assert "PRIVATE KEY" in run("gridkit_audit_keygen", "-")
    assert status("gridkit_audit_keygen", str(tmp_path / "x.pem"), "--replaces", str(tmp_path / "none")) == 1


@pytest.mark.both_databases
def test_task_seals_and_makes_a_checkpoint(key_file: Path) -> None:
    app.loader.import_default_modules()
    assert "gridkit.seal_audit" in app.tasks
    write(3)
    with override_settings(GRIDKIT={"AUDIT_SIGNING_KEY": str(key_file)}):
        assert seal_audit() == 3
        assert seal_audit() == 0
    assert AuditCheckpoint.objects.get().seal_number == AuditSeal.objects.get().number == 1


@pytest.mark.both_databases
def test_seal_command_tells_what_it_did_and_why_it_can_not(key_file: Path) -> None:
    write(2)
    with override_settings(GRIDKIT={"AUDIT_SIGNING_KEY": str(key_file)}):
        assert run("gridkit_audit_seal") == "default: 2 records in 1 seals.\n"
    write(1)
    assert status("gridkit_audit_seal") == 1
    with override_settings(GRIDKIT={"AUDIT_SIGNING_KEY": str(key_file)}):
        run_sql("UPDATE gridkit_django_auditseal SET total = 9")
        assert status("gridkit_audit_seal") == 1
        assert run("gridkit_audit_seal", "--despite-break") == "default: 1 records in 1 seals.\n"


def test_seal_command_goes_on_until_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        write(1)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(gridkit_audit_seal.time, "sleep", pause)
    run("gridkit_audit_seal", every=2.0)
    assert pauses == [2.0] * 3
    assert AuditSeal.objects.count() == 2


def test_verify_command_names_the_first_fault_and_ends_with_one(key_file: Path) -> None:
    made = write(3)
    with override_settings(GRIDKIT={"AUDIT_SIGNING_KEY": str(key_file)}):
        run("gridkit_audit_seal")
        assert "default: 1 seals, 3 records, 0 purged, 0 unsealed; up to seal 1" in run("gridkit_audit_verify")
        run_sql("UPDATE gridkit_django_auditrecord SET actor_id = 'eve' WHERE id = %s", made[1].pk)
        out = StringIO()
        with pytest.raises(CommandError) as caught:
            call_command("gridkit_audit_verify", stdout=out)
        assert caught.value.returncode == 1
        assert f"First: changed: seal 1, record {made[1].pk}: the record is not what was sealed" in out.getvalue()
        assert run("gridkit_audit_verify", "--from-seal", "2", "--database", DEFAULT_DB_ALIAS).endswith("is wrong.\n")
        assert status("gridkit_audit_verify", "--from-seal", "9") == 2
    assert status("gridkit_audit_verify", "--public-key", public_text(key().public_key)) == 1
    assert status("gridkit_audit_verify", "--public-key", "x") == 2


def test_verify_command_answers_in_json() -> None:
    write(1)
    run("gridkit_audit_seal")
    report = json.loads(run("gridkit_audit_verify", "--json", "--skip-repeats"))
    assert (report["seals"], report["records"], report["faults"]) == (1, 1, [])


def test_checkpoints_that_were_kept_are_compared(tmp_path: Path) -> None:
    write(1)
    run("gridkit_audit_seal")
    kept = tmp_path / "kept"
    kept.write_text(AuditCheckpoint.objects.get().text)
    run("gridkit_audit_verify", "--checkpoint", str(kept))
    kept.write_text("nothing")
    assert status("gridkit_audit_verify", "--checkpoint", str(kept)) == 2


@pytest.mark.both_databases
@pytest.mark.parametrize("name", ["trail.ndjson", "trail.ndjson.gz"])
def test_export_is_verified_by_the_command_and_by_the_script_beside_it(
    key_file: Path, tmp_path: Path, name: str
) -> None:
    write(3)
    path = tmp_path / "out" / name
    path.parent.mkdir()
    with override_settings(GRIDKIT={"AUDIT_SIGNING_KEY": str(key_file)}):
        run("gridkit_audit_seal")
        assert run("gridkit_audit_export", str(path), "--with-verifier") == "3 records under 1 seals.\n"
        assert "export: 1 seals, 3 records" in run("gridkit_audit_verify", "--file", str(path))
    public = public_text(KeyFile.read(str(key_file)).signer.public_key)
    assert "Nothing is wrong." in run("gridkit_audit_verify", "--file", str(path), "--public-key", public)
    command = [sys.executable, "-I", str(path.with_name("verifier.py")), str(path), "--key", public]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    written = AuditRecord.objects.latest("pk")
    assert (written.action, written.evidence) == ("audit.export", {"seals": 1, "records": 3})
    assert status("gridkit_audit_export", str(path)) == 1
    assert status("gridkit_audit_verify", "--file", str(tmp_path / "none")) == 2


def test_export_that_was_changed_is_told_by_the_command(tmp_path: Path) -> None:
    write(3)
    run("gridkit_audit_seal")
    path = tmp_path / "trail.ndjson.gz"
    run("gridkit_audit_export", str(path))
    text = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(text.replace(b"Product 1", b"Product 2")))
    assert status("gridkit_audit_verify", "--file", str(path)) == 1


def test_deployment_without_a_signing_key_is_advised_to_make_one(key_file: Path) -> None:
    (advice,) = check_signing_key()
    assert advice.id == "gridkit.W004"
    with override_settings(GRIDKIT={"AUDIT_SIGNING_KEY": str(key_file)}):
        assert check_signing_key() == []
    with override_settings(GRIDKIT={"NOTHING": 1}):
        assert check_signing_key() == []
