"""Statements of the trail that go straight to the driver: on a lone write the way there costs more than the statement.

Django's cursors, and the generators by which psycopg waits, take a statement that the database carries out in a tenth
of a millisecond as long again. Whoever watches statements (``connection.queries``, an execute wrapper) sees them still:
then they go the usual way, and so they do wherever something is not as it mostly is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

PASSES_TRAIL = "passes_trail"
"""An execute wrapper with this attribute has nothing to do with the trail's own statements."""


def is_unwatched(connection: BaseDatabaseWrapper) -> bool:
    """Whether a statement may go straight to the driver: a sound transaction is under way, and nobody looks on."""
    return (
        connection.in_atomic_block
        and connection.connection is not None
        and not connection.needs_rollback
        and not connection.queries_logged
        and all(hasattr(wrapper, PASSES_TRAIL) for wrapper in connection.execute_wrappers)
    )


def insert(connection: BaseDatabaseWrapper, sql: str, values: Sequence[Any]) -> int:
    """Carry out an INSERT on SQLite, and return the number of its row.

    Args:
        connection: one that is unwatched.
        sql: the statement, with ``?`` in the places of values.
        values: as SQLite stores them.

    Raises:
        DatabaseError: when the database refuses.
    """
    with connection.wrap_database_errors:
        return int(connection.connection.execute(sql, values).lastrowid)


def call(connection: BaseDatabaseWrapper, sql: bytes, told: bytes, proof: bytes) -> int | None:
    """Call a function of PostgreSQL that returns a number; None when it has to go the usual way.

    Args:
        connection: one that is unwatched.
        sql: the call, with ``$1`` and ``$2`` in the places of values.
        told: a text.
        proof: bytes.

    Raises:
        DatabaseError: when the database refuses.
    """
    server, driver = getattr(connection.connection, "pgconn", None), connection.Database  # type: ignore[attr-defined]
    if server is None or not _waits_in_c(driver) or not _is_ready(driver, server):
        return None
    result = server.exec_params(sql, [told, proof], None, _TEXT_AND_BYTES)
    if result.status != driver.pq.ExecStatus.TUPLES_OK:
        with connection.wrap_database_errors:
            raise driver.errors.error_from_result(result)
    return int(result.get_value(0, 0))


_TEXT_AND_BYTES = (0, 1)


def _waits_in_c(driver: Any) -> bool:
    """Whether psycopg waits in C: where it waits in Python, an event loop (gevent) may have to go on meanwhile."""
    waiting = driver.waiting
    return waiting.wait is getattr(waiting, "wait_c", None)


def _is_ready(driver: Any, server: Any) -> bool:
    """Whether psycopg has begun the transaction, no pipeline is under way, and texts travel as UTF-8."""
    return bool(
        server.transaction_status == driver.pq.TransactionStatus.INTRANS
        and server.pipeline_status == driver.pq.PipelineStatus.OFF
        and server.parameter_status(b"client_encoding") == b"UTF8"
    )
