"""Statements of the trail that go straight to the driver: on a lone write the way there costs more than the statement.

Django's cursors, and the generators by which psycopg waits, take a statement that the database carries out in a tenth
of a millisecond as long again. Whoever watches statements (``connection.queries``, an execute wrapper) sees them still:
then they go the usual way, and so they do wherever something is not as it mostly is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

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


class Prepared:
    """A statement that PostgreSQL keeps planned for each session: planning it takes longer than carrying it out.

    It is kept only where the session belongs to the connection. A pooler in between (PgBouncer) may carry out the next
    transaction in another session, which would not know it: whether there is one is told by the number of the backend,
    which a pooler does not pass on.

    Args:
        name: what the sessions know it by.

    Attributes:
        name: the same.
    """

    USES = 3
    """Writes of a connection that go another way first: one that lives for one request gains nothing."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self._uses: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def run(self, connection: BaseDatabaseWrapper, sql: str, values: Sequence[Any]) -> int | None:
        """Carry the statement out, and return the number that it returns; None when it has to go another way.

        Args:
            connection: one that is unwatched.
            sql: the statement, with ``$1``, ``$2`` … in the places of values.
            values: texts, whole numbers and None; the last one bytes.

        Raises:
            DatabaseError: when the database refuses.
        """
        owner, driver = connection.connection, connection.Database  # type: ignore[attr-defined]
        server = getattr(owner, "pgconn", None)
        if server is None or not _waits_in_c(driver) or not _is_ready(driver, server):
            return None
        uses = self._uses.get(owner, 0)
        if uses < _READY and not self._prepare(connection, server, uses, sql):
            return None
        told = [None if value is None else str(value).encode() for value in values[:-1]]
        result = server.exec_prepared(self.name, [*told, values[-1]], [*([0] * len(told)), 1])
        if result.status != driver.pq.ExecStatus.TUPLES_OK:
            self._uses[owner] = _NEVER
            with connection.wrap_database_errors:
                raise driver.errors.error_from_result(result)
        return int(result.get_value(0, 0))

    def _prepare(self, connection: BaseDatabaseWrapper, server: Any, uses: int, sql: str) -> bool:
        """Prepare the statement when it is worth it and can be; whether it is there."""
        owner, driver = connection.connection, connection.Database  # type: ignore[attr-defined]
        if uses == _NEVER or uses + 1 < self.USES:
            self._uses[owner] = uses if uses == _NEVER else uses + 1
            return False
        self._uses[owner] = _READY if owns_session(server) and not is_reset(connection) else _NEVER
        if self._uses[owner] == _NEVER:
            return False
        result = server.prepare(self.name, sql.encode())
        if result.status != driver.pq.ExecStatus.COMMAND_OK:
            self._uses[owner] = _NEVER
            with connection.wrap_database_errors:
                raise driver.errors.error_from_result(result)
        return True


_READY, _NEVER = 1_000_000, -1


def owns_session(server: Any) -> bool:
    """Whether a connection of libpq speaks with its backend itself, and not with a pooler that lends it one."""
    asked = server.exec_(b"SELECT pg_catalog.pg_backend_pid()")
    return bool(asked.ntuples == 1 and int(asked.get_value(0, 0)) == server.backend_pid)


def is_reset(connection: BaseDatabaseWrapper) -> bool:
    """Whether a pool of psycopg may discard what a session knows when it takes a connection back."""
    pool = connection.settings_dict["OPTIONS"].get("pool")
    return isinstance(pool, dict) and pool.get("reset") is not None


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
