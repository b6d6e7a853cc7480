"""Exports on a SQLite file while others write to it: the embedded database must not lock itself up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.exports.busy_sqlite import ROWS
from tests.servers.processes import ROOT, unmeasured_environment


def test_two_workers_and_a_busy_writer_share_a_sqlite_file(tmp_path: Path):
    command = [sys.executable, "-m", "tests.exports.busy_sqlite", str(tmp_path / "db.sqlite3")]
    env = unmeasured_environment()
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["faults"], answer["error"]) == ([], "")
    assert (answer["state"], answer["rows"], answer["ends"]) == ("finished", ROWS, 1)
    assert answer["writes"] > 10
