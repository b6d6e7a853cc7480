"""Runs a module that measures in turns in a process of its own, since it has settings of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

from tests.servers.postgres import AS_INSTALLED, PostgresServer, own_postgres
from tests.servers.processes import scratch_folder

DATABASE = "gk_bench_audit"


def tables_of(name: str, settings: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Give the tables that a module beside this one prints, each ended by an empty line.

    Args:
        name: the module.
        settings: that of its settings, beside it.
        env: what its environment says beyond this process's.

    Raises:
        RuntimeError: when the process fails; what it said is printed.
    """
    place = "tests.benchmarks.audit"
    told = {**os.environ, "DJANGO_SETTINGS_MODULE": f"{place}.{settings}", **(env or {})}
    with subprocess.Popen(
        [sys.executable, "-m", f"{place}.{name}"], env=told, stdout=subprocess.PIPE, text=True
    ) as process:
        lines: list[str] = []
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if not lines[-1]:
                yield "\n".join(lines).strip()
                lines = []
    if process.returncode:
        raise RuntimeError(f"{name} ended with {process.returncode}.")


def tables_on_postgres(name: str, settings: str) -> Iterator[str]:
    """Give the tables of a module for a PostgreSQL whose commits reach the disk, as those of sites do.

    Args:
        name: the module.
        settings: that of its settings, beside it.

    Raises:
        RuntimeError: when the process fails; what it said is printed.
    """
    with own_postgres(AS_INSTALLED) as server:
        yield from tables_of(name, settings, {"DATABASE_URL": PostgresServer(server.url).create(DATABASE)})


def tables_on_both(name: str, settings: str) -> Iterator[str]:
    """Give the tables of a module for PostgreSQL, as ``tables_on_postgres`` does, and then for SQLite.

    Args:
        name: the module.
        settings: that of its settings, beside it.

    Raises:
        RuntimeError: when the process fails; what it said is printed.
    """
    yield from tables_on_postgres(name, settings)
    with scratch_folder(name[:4]) as folder:
        yield from tables_of(name, settings, {"DATABASE_URL": f"sqlite:///{folder / 'turns.sqlite3'}"})
