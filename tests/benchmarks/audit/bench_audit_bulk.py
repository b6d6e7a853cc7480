"""What records cost when rows are written by the thousand: on PostgreSQL and on SQLite, beside plain Django."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.servers.processes import scratch_folder


def run() -> Iterator[str]:
    """Give the tables of ``bulk_turns``, which has settings of its own: of the scratch database, then of SQLite.

    Raises:
        RuntimeError: when the process fails; what it said is printed.
    """
    yield from _turns(os.environ)
    with scratch_folder("bulk") as folder:
        yield from _turns({**os.environ, "DATABASE_URL": f"sqlite:///{Path(folder) / 'bulk.sqlite3'}"})


def _turns(env: Mapping[str, str]) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.audit.bulk_turns"]
    settings = {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.audit.bulk_settings"}
    with subprocess.Popen(command, env={**env, **settings}, stdout=subprocess.PIPE, text=True) as process:
        lines: list[str] = []
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if not lines[-1]:
                yield "\n".join(lines).strip()
                lines = []
    if process.returncode:
        raise RuntimeError(f"bulk_turns ended with {process.returncode}.")
