"""One state of the data for all takes of an export: a transaction on a connection of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.exceptions import ExportError


def why_no_snapshot(connection: BaseDatabaseWrapper) -> str:
    """Return why several statements can't see one state of this database without harm; empty when they can."""
    if connection.vendor == "postgresql":
        return ""
    if connection.vendor != "sqlite":
        return f"Snapshots are not known for {connection.display_name}."
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
    return "" if mode == "wal" else f"SQLite in the journal mode {mode!r} would let nobody write meanwhile; wal would."


@contextmanager
def snapshot_connection(connection: BaseDatabaseWrapper) -> Iterator[BaseDatabaseWrapper]:
    """Give a connection that sees the data as they are at its first question, until the block ends.

    Args:
        connection: Django's connection to the same database; it is not used.

    Raises:
        ExportError: where ``why_no_snapshot`` has something against it.
    """
    if reason := why_no_snapshot(connection):
        raise ExportError(f"There is no snapshot of this database. {reason}")
    own: BaseDatabaseWrapper = connection.copy()
    try:
        if own.vendor == "sqlite":
            own.connect()
            # A site may begin its transactions with the lock for writing; this one reads, and must stop nobody.
            own.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
        own.set_autocommit(autocommit=False, force_begin_transaction_with_broken_autocommit=True)
        if own.vendor == "postgresql":
            with own.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield own
        own.rollback()
    finally:
        own.close()
