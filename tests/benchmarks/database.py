"""The database of the benchmarks: PostgreSQL with all flights, in a scratch folder, gone afterwards."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import django
from django.core.management import call_command
from django.db import connection

from tests.servers.postgres import running_postgres
from tests.servers.processes import scratch_folder

NAME = "gk_bench"


@contextlib.contextmanager
def benchmark_project() -> Iterator[None]:
    """Set up the example project on a migrated PostgreSQL database without rows."""
    with running_postgres() as server, scratch_folder("bench") as folder:
        os.environ.update(
            DATABASE_URL=server.create(NAME),
            DJANGO_SETTINGS_MODULE="example_project.settings",
            DJANGO_LOG_LEVEL="WARNING",
            GRIDKIT_DEMO_VAR=str(folder),
        )
        django.setup()
        call_command("migrate", verbosity=0)
        try:
            yield
        finally:
            connection.close()
            server.drop(NAME)


def analyze() -> None:
    """Bring the planner's statistics up to date, as autovacuum does on a site that runs for a while."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def server_version() -> str:
    """Return what the database is, for the conditions of a table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
        return "PostgreSQL {}, fsync {}".format(*cursor.fetchone())
