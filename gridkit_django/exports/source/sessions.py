"""What a session of PostgreSQL is told for the time of one question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DataError
from django.db.backends.base.base import BaseDatabaseWrapper

_TOLD = "SELECT set_config('TimeZone', %s, true), set_config('DateStyle', %s, true)"
_ASKED = "SELECT current_setting('TimeZone'), current_setting('DateStyle')"


@contextmanager
def writing_as(connection: BaseDatabaseWrapper, zone: str) -> Iterator[None]:
    """Let the database write days and points in time in ISO 8601 and in a zone, in the block only.

    It holds for one transaction: one of the block's own, so that it also holds behind a pooler, or the one that is
    open; then what was set before is set again.

    Args:
        connection: a connection to PostgreSQL.
        zone: a name that PostgreSQL knows.
    """
    if connection.in_atomic_block or not connection.get_autocommit():
        before = _ask(connection, _ASKED)
        _ask(connection, _TOLD, (zone, "ISO"))
        yield
        _ask(connection, _TOLD, before)
        return
    _run(connection, "BEGIN")
    try:
        _ask(connection, _TOLD, (zone, "ISO"))
        yield
    except BaseException:
        if connection.is_usable():
            _run(connection, "ROLLBACK")
        raise
    _run(connection, "COMMIT")


def knows_zone(connection: BaseDatabaseWrapper, zone: str) -> bool:
    """Return whether PostgreSQL knows a time zone by this name. The list of its zones would take it much longer.

    Args:
        connection: a connection to PostgreSQL.
        zone: a name.
    """
    nested = connection.in_atomic_block or not connection.get_autocommit()
    _run(connection, "SAVEPOINT gridkit_zone" if nested else "BEGIN")
    try:
        _ask(connection, "SELECT set_config('TimeZone', %s, true)", (zone,))
    except DataError:
        return False
    else:
        return True
    finally:
        _run(connection, "ROLLBACK TO SAVEPOINT gridkit_zone" if nested else "ROLLBACK")


def _ask(connection: BaseDatabaseWrapper, sql: str, parameters: tuple[str, ...] = ()) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: tuple[str, ...] = cursor.fetchone()
        return found


def _run(connection: BaseDatabaseWrapper, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
