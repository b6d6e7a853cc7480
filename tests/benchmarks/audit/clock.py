"""Processor time of client and database together: waiting for a disk or for other work on the machine is no cost."""

from __future__ import annotations

import time
from pathlib import Path

from django.db import connection


class Clock:
    """The processor time of this process and, on PostgreSQL, of its backend, in seconds (Linux)."""

    def __init__(self) -> None:
        self._backend: Path | None = None
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self._backend = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")

    def __call__(self) -> float:
        """Return the time."""
        backend = 0.0 if self._backend is None else int(self._backend.read_text().split()[0]) / 1e9
        return time.process_time() + backend


def driver() -> str:
    """Return what talks to the database, for the conditions of a table."""
    if connection.vendor != "postgresql":
        return "sqlite3 of Python"
    psycopg = connection.Database
    return f"psycopg {psycopg.__version__} ({psycopg.pq.__impl__})"
