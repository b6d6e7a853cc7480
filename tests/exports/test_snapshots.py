"""One state of the data for the time of an export."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db.utils import ConnectionHandler

from gridkit_django.exports.source.snapshots import snapshot_connection


@pytest.mark.django_db
def test_a_snapshot_of_sqlite_stops_nobody_who_writes_whatever_transactions_begin_with(tmp_path: Path) -> None:
    options = {"transaction_mode": "IMMEDIATE", "timeout": 0}
    site = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "site.db"), "OPTIONS": options}
    connection = ConnectionHandler({"default": site})["default"]
    try:
        with connection.cursor() as cursor:
            for sql in ("PRAGMA journal_mode=wal", "CREATE TABLE t (n)", "INSERT INTO t VALUES (1)"):
                cursor.execute(sql)
            with snapshot_connection(connection) as own, own.cursor() as reading:
                reading.execute("SELECT count(*) FROM t")
                assert reading.fetchone() == (1,)
                cursor.execute("INSERT INTO t VALUES (2)")
                reading.execute("SELECT count(*) FROM t")
                assert reading.fetchone() == (1,)
            cursor.execute("SELECT count(*) FROM t")
            assert cursor.fetchone() == (2,)
    finally:
        connection.close()
