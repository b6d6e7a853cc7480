"""Statements of the trail that go straight to the driver: on a lone write the way there costs more than the statement.

Django's cursors, and the generators by which psycopg waits, take a statement that the database carries out in a tenth
of a millisecond as long again. Whoever watches statements (``connection.queries``, an execute wrapper) sees them still:
then they go the usual way, and so they do wherever something is not as it mostly is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from django.db.backends.base.base import BaseDatabaseWrapper

PASSES_TRAIL = "passes_trail"
"""An execute wrapper with this attribute has nothing to do with the trail's own statements."""


def is_unwatched(connection: BaseDatabaseWrapper) -> bool:
    """Whether a statement may go straight to the driver: a sound transaction is under way, and nobody looks on."""
    if (
        not connection.in_atomic_block
        or connection.connection is None
        or connection.needs_rollback
        or connection.queries_logged
    ):
        return False
    # A loop, since a generator takes as long again to be made for the one wrapper that there mostly is.
    for wrapper in connection.execute_wrappers:  # noqa: SIM110
        if not hasattr(wrapper, PASSES_TRAIL):
            return False
    return True


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
    if server is None or not _is_ready(driver, server):
        return None
    result = server.exec_params(sql, [told, proof], None, _TEXT_AND_BYTES)
    if result.status != _ROWS:
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
        places: how many values it takes; the last one as bytes, all others as text.

    Attributes:
        name: the same.
    """

    USES = 3
    """Writes of a connection that go another way first: one that lives for one request gains nothing."""

    def __init__(self, name: bytes, places: int) -> None:
        self.name = name
        self._formats = [*([0] * (places - 1)), 1]
        self._uses: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def ready(self, connection: BaseDatabaseWrapper, sql: Callable[[], str]) -> Any:
        """Return the connection of libpq when it has the statement now; None when it has to go another way.

        Args:
            connection: one that is unwatched.
            sql: gives the statement, with ``$1``, ``$2`` … in the places of values.

        Raises:
            DatabaseError: when the database refuses to plan it.
        """
        if (server := self.known(connection)) is not None:
            return server
        server = getattr(connection.connection, "pgconn", None)
        if server is None or not _is_ready(connection.Database, server):  # type: ignore[attr-defined]
            return None
        return server if self._prepare(connection, server, sql) else None

    def known(self, connection: BaseDatabaseWrapper) -> Any:
        """Return the same as ``ready``, but do nothing for it, and don't count this as a write that goes another way.

        Args:
            connection: one that is unwatched.
        """
        owner = connection.connection
        if self._uses.get(owner, 0) < _READY:
            return None
        return owner.pgconn if _is_ready(connection.Database, owner.pgconn) else None  # type: ignore[attr-defined]

    def run(self, connection: BaseDatabaseWrapper, server: Any, values: Sequence[bytes | None]) -> int:
        """Carry the statement out, and return the number that it returns.

        Args:
            connection: the same as for ``ready``.
            server: what that returned.
            values: one for each place.

        Raises:
            DatabaseError: when the database refuses.
        """
        result = server.exec_prepared(self.name, values, self._formats)
        if result.status != _ROWS:
            self._uses[connection.connection] = _NEVER
            with connection.wrap_database_errors:
                raise connection.Database.errors.error_from_result(result)  # type: ignore[attr-defined]
        return int(result.get_value(0, 0))

    def _prepare(self, connection: BaseDatabaseWrapper, server: Any, sql: Callable[[], str]) -> bool:
        """Prepare the statement when it is worth it and can be; whether it is there."""
        owner, driver = connection.connection, connection.Database  # type: ignore[attr-defined]
        uses = self._uses.get(owner, 0)
        if uses == _NEVER or uses + 1 < self.USES:
            self._uses[owner] = uses if uses == _NEVER else uses + 1
            return False
        self._uses[owner] = _READY if owns_session(server) and not is_reset(connection) else _NEVER
        if self._uses[owner] == _NEVER:
            return False
        result = server.prepare(self.name, sql().encode())
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
    # Numbers of libpq's documented enumerations: looking up psycopg's names for them takes longer than all the rest.
    return bool(
        server.transaction_status == _IN_TRANSACTION
        and server.pipeline_status == _NO_PIPELINE
        and server.parameter_status(b"client_encoding") == b"UTF8"
        and _waits_in_c(driver)
    )


_IN_TRANSACTION, _NO_PIPELINE, _ROWS = 2, 0, 2
"""``PQTRANS_INTRANS``, ``PQ_PIPELINE_OFF`` and ``PGRES_TUPLES_OK``."""
