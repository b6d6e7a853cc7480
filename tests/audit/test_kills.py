"""A writer, a sealer or a deliverer that is killed at any step leaves no half truth, and the next one goes on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from gridkit_django.audit.delivery import declare_destination, deliver
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.retention import purge
from gridkit_django.audit.rows import RecordRows
from gridkit_django.audit.sealing import seal_all
from gridkit_django.audit.verify import DatabaseVerifier
from gridkit_django.models import AuditCheckpoint, AuditDestination, AuditPurge, AuditRecord, AuditSeal
from tests.audit.chains import key, run_sql, sealed_ids, sealer, write
from tests.audit.killed_process import DELIVERER, NEW, PURGER, SEALER, WRITER
from tests.audit.rebuilding import rebuilt, stored
from tests.museum.models import Work
from tests.servers.processes import ROOT, unmeasured_environment, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]

MODULE = "tests.audit.killed_process"
BATCH = 2
GRIDKIT = {
    "AUDIT_CHECKPOINT_HOOK": f"{MODULE}.keep",
    "AUDIT_MODELS": {"museum.Work": {}},
    "AUDIT_BATCH_RECORDS": BATCH,
    "AUDIT_RETENTION": {"*": "1d"},
    "AUDIT_ARCHIVE_STORAGE": "archive",
}

_BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The storage of archives, in both processes."""
    options = {"location": str(tmp_path_factory.mktemp("archives"))}
    return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}


@pytest.fixture(scope="module")
def process(django_db_setup: None, archives: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """The process that works, on the database of the tests."""
    place = {name: connection.settings_dict[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
    told = {"KILLED_DATABASE": json.dumps(place), "KILLED_GRIDKIT": json.dumps(GRIDKIT)}
    told["KILLED_ARCHIVE"] = json.dumps(archives)
    env = {**unmeasured_environment(), **told, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-m", MODULE], cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        yield started
        started.kill()


@pytest.fixture
def followed() -> Iterator[None]:
    """Let this process follow what the other one follows."""
    audit_policies().set("kills", [AuditPolicy(model_label="museum.work")])
    yield
    audit_policies().drop("kills")


def kill_at(process: subprocess.Popen[str], job: str, step: str) -> None:
    """Let it work up to a step and kill it there."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{job} {step}\n")
    process.stdin.flush()
    *words, pid = process.stdout.readline().split()
    assert " ".join(words) == step
    os.kill(int(pid), signal.SIGKILL)
    assert process.stdout.readline() == f"ended {-signal.SIGKILL}\n"
    wait_until(lambda: backends() == 0, "the end of the connection of the killed process")


def backends() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_BACKENDS)
        return int(cursor.fetchone()[0])


def test_killed_sealer_leaves_nothing_half_done(process: subprocess.Popen[str]) -> None:
    made: list[AuditRecord] = []
    for step in SEALER:
        run_sql("DELETE FROM gridkit_django_auditcheckpoint")  # so that one is due
        made += write(5)
        seals = AuditSeal.objects.count()
        kill_at(process, "seal", step)
        is_sealed = SEALER.index(step) >= SEALER.index("committed")
        assert AuditSeal.objects.count() == seals + is_sealed, step
        assert seal_all()["default"].records == (0 if is_sealed else 5), step
        assert sealed_ids() == [item.pk for item in made]
        checkpoint = AuditCheckpoint.objects.get()
        assert checkpoint.told_at, "what was not told before is told now"
        assert checkpoint.seal_number == AuditSeal.objects.latest("number").number
        assert DatabaseVerifier("default").run().is_good, step


@pytest.mark.usefixtures("followed")
def test_killed_writer_leaves_no_change_without_its_record_and_no_record_without_its_change(
    process: subprocess.Popen[str],
) -> None:
    Work.objects.bulk_create([Work(title=code, code=code) for code in ("old 1", "old 2", "other")])
    for step in WRITER:
        before = stored()
        kill_at(process, "write", step)
        if step.endswith("committed"):
            assert stored() != before, step
        else:
            assert stored() == before, step
        assert rebuilt() == stored(), step
    assert set(Work.objects.values_list("code", flat=True)) == {"other", *NEW}
    assert seal_all()["default"].records == AuditRecord.objects.count()
    assert DatabaseVerifier("default").run().is_good


def test_killed_deliverer_loses_nothing_and_is_never_ahead_of_what_it_sent(
    process: subprocess.Popen[str], tmp_path: Path
) -> None:
    path = tmp_path / "trail.ndjson"
    declare_destination("there", f"file://{path}")
    sealing = sealer(key(), limit=3)
    for step in DELIVERER:
        newest = write(4)[-1]
        sealing.run()
        kill_at(process, "deliver", step)
        assert noted(AuditDestination.objects.get()) <= arrived(path).keys(), step
        assert (deliver("there") is None) is (step != "ended"), "the lease of the dead one holds"
        AuditDestination.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        report = deliver("there")
        assert report is not None
        assert report.error == "", step
        assert arrived(path) == {row.id: row.line() for row in RecordRows("default").between(1, newest.pk)}, step
        assert noted(AuditDestination.objects.get()) == arrived(path).keys()


def test_killed_purge_removes_nothing_without_a_receipt_and_the_next_one_goes_on(
    process: subprocess.Popen[str], archives: dict[str, Any]
) -> None:
    own = {name: GRIDKIT[name] for name in ("AUDIT_RETENTION", "AUDIT_ARCHIVE_STORAGE")}
    with override_settings(
        GRIDKIT={**django_settings.GRIDKIT, **own}, STORAGES={**django_settings.STORAGES, "archive": archives}
    ):
        for step in PURGER:
            made = [item.pk for item in write(4)]
            seal_all()
            receipts = AuditPurge.objects.count()
            kill_at(process, "purge", step)
            is_gone = step == "ended"
            assert AuditRecord.objects.filter(pk__in=made).count() == (0 if is_gone else 4), step
            assert AuditPurge.objects.count() == receipts + is_gone, step
            assert DatabaseVerifier("default").run().is_good, step
            report = purge(now=timezone.now() + timedelta(days=2))
            assert not AuditRecord.objects.filter(pk__in=made).exists(), step
            assert len(report.archives) == (0 if is_gone else 1), step
            seal_all()
            assert DatabaseVerifier("default").run().is_good, step
        for receipt in AuditPurge.objects.exclude(archive=""):
            stored_archive = (Path(archives["OPTIONS"]["location"]) / receipt.archive).read_bytes()
            assert hashlib.sha256(stored_archive).hexdigest() == receipt.archive_digest


def arrived(path: Path) -> dict[int, bytes]:
    """Return the records in the file by their ids; one that came again is the same to the byte."""
    found: dict[int, bytes] = {}
    for line in path.read_bytes().split(b"\n") if path.exists() else []:
        told = whole(line)
        if "uuid" in told:
            assert found.setdefault(told["id"], line) == line
    return found


def whole(line: bytes) -> dict[str, Any]:
    """Return what a line says; a torn one says nothing."""
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}


def noted(row: AuditDestination) -> set[int]:
    """Return the records that a destination has, by its cursor."""
    ids: set[int] = set()
    for seal in AuditSeal.objects.filter(number__lte=row.cursor + 1):
        held = [number for first, last in seal.spans for number in range(first, last + 1)]
        ids.update(held if seal.number <= row.cursor else held[: row.offset])
    return ids
