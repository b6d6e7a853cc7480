"""A sealer that is killed at any step leaves a chain that the next one goes on with: nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.db import connection

from gridkit_django.audit.sealing import seal_all
from gridkit_django.audit.verify import DatabaseVerifier
from gridkit_django.models import AuditCheckpoint, AuditRecord, AuditSeal
from tests.audit.chains import run_sql, sealed_ids, write
from tests.audit.sealer_process import STEPS
from tests.servers.processes import ROOT, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]

_BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """The process that seals, on the database of the test."""
    place = {name: connection.settings_dict[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
    env = {**os.environ, "SEALER_DATABASE": json.dumps(place), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-m", "tests.audit.sealer_process"]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        yield started
        started.kill()


def kill_at(process: subprocess.Popen[str], step: str) -> None:
    """Let it seal up to a step and kill it there."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{step}\n")
    process.stdin.flush()
    *words, pid = process.stdout.readline().split()
    assert " ".join(words) == step
    os.kill(int(pid), signal.SIGKILL)
    assert process.stdout.readline() == f"ended {-signal.SIGKILL}\n"
    wait_until(lambda: backends() == 0, "the end of the killed sealer's connection")


def backends() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_BACKENDS)
        return int(cursor.fetchone()[0])


def test_killed_sealer_leaves_nothing_half_done(process: subprocess.Popen[str]) -> None:
    made: list[AuditRecord] = []
    for step in STEPS:
        run_sql("DELETE FROM gridkit_django_auditcheckpoint")  # so that one is due
        made += write(5)
        seals = AuditSeal.objects.count()
        kill_at(process, step)
        is_sealed = STEPS.index(step) >= STEPS.index("committed")
        assert AuditSeal.objects.count() == seals + is_sealed, step
        assert seal_all()["default"].records == (0 if is_sealed else 5), step
        assert sealed_ids() == [item.pk for item in made]
        checkpoint = AuditCheckpoint.objects.get()
        assert checkpoint.told_at, "what was not told before is told now"
        assert checkpoint.seal_number == AuditSeal.objects.latest("number").number
        assert DatabaseVerifier("default").run().is_good, step
