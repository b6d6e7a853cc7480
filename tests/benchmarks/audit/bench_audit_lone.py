"""What the record of a lone write costs: create, save, delete of one row, on PostgreSQL and SQLite, beside peers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from tests.servers.processes import scratch_folder


def run() -> Iterator[str]:
    """Give the tables of ``lone_turns`` for both databases; it has settings of its own."""
    yield from _turns({})
    with scratch_folder("lone") as folder:
        yield from _turns({"DATABASE_URL": f"sqlite:///{folder / 'lone.sqlite3'}"})


def _turns(env: dict[str, str]) -> Iterator[str]:
    """Run the turns in a process of their own.

    Raises:
        RuntimeError: when the process fails; what it said is printed.
    """
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.benchmarks.audit.ledger_settings", **env}
    command = [sys.executable, "-m", "tests.benchmarks.audit.lone_turns"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        lines: list[str] = []
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if not lines[-1]:
                yield "\n".join(lines).strip()
                lines = []
    if process.returncode:
        raise RuntimeError(f"lone_turns ended with {process.returncode}.")
