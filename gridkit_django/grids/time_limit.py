"""Time limits for questions to the database, which never outlive the question.

On PostgreSQL the limit travels in the same message as the question, so that it costs no way to the server and no query.
Outside of a transaction such a message is a transaction of its own, and the limit ends with it. Inside of one the limit
is set behind a savepoint that is rolled back when the answer is there: what was only read stays read, and a question
that is cut off leaves the transaction whole. A lower limit that the site has set itself stays in force.

On SQLite the limit is looked at every few thousand steps of its virtual machine. Other databases have no limit.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.db import DatabaseError, DataError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryNotComputableError, QueryTooSlowError

_CANCELLED = "57014"
_ABORTED = "25P02"
_STEPS = 10_000
_SAVEPOINT = "gridkit_time_limit"
_SQLITE_VALUE_ERRORS = frozenset({"integer overflow", "user-defined function raised exception"})

logger = logging.getLogger("gridkit_django.grids")


def query_limit(alias: str) -> AbstractContextManager[None]:
    """Limit the questions in the block to the setting ``QUERY_MS_MAX``. See ``time_limit``."""
    return time_limit(alias, settings().QUERY_MS_MAX)


@contextmanager
def time_limit(alias: str, milliseconds: int) -> Iterator[None]:
    """Limit how long each question in the block may take the database. The block must only read.

    Args:
        alias: the database.
        milliseconds: the limit; 0 for none.

    Raises:
        QueryTooSlowError: when a question was cut off.
        QueryNotComputableError: when the database can't compute what was asked; see ``computable``.
    """
    try:
        with computable(), _limited(connections[alias], milliseconds):
            yield
    except OperationalError as error:
        if not _cut_off(error):
            raise
        raise QueryTooSlowError(
            f"The database would need longer than the {milliseconds} ms that this site allows for one question. Narrow "
            "it with a filter, or ask an administrator for an index (manage.py gridkit_advise names it)."
        ) from error


@contextmanager
def computable() -> Iterator[None]:
    """Refuse questions that the database can't compute, with any rows or with those that there are.

    Raises:
        QueryNotComputableError: for a sum that no number holds, a pattern that is none, a time zone that only Python
            knows. The database's own text is not told: it may quote values that nobody asked for.
    """
    try:
        yield
    except DatabaseError as error:
        if not _values_at_fault(error):
            raise
        cause = error.__cause__
        logger.warning("The database could not compute a question: %s %s", type(cause), getattr(cause, "sqlstate", ""))
        raise QueryNotComputableError.at(
            "",
            "The database can't compute this: a value, a figure or the time zone is outside of what it knows. Ask "
            "with others.",
        ) from error


def _limited(connection: BaseDatabaseWrapper, milliseconds: int) -> AbstractContextManager[None]:
    if not milliseconds:
        return nullcontext()
    if connection.vendor == "sqlite":
        return _watched(connection, milliseconds)
    if connection.vendor != "postgresql":
        return nullcontext()
    if connection.settings_dict["OPTIONS"].get("server_side_binding"):
        return _in_savepoint(connection, milliseconds)  # there a message holds one statement
    return connection.execute_wrapper(_in_one_message(milliseconds))


def _cut_off(error: OperationalError) -> bool:
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) == _CANCELLED:
        return True
    return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _values_at_fault(error: DatabaseError) -> bool:
    """Whether the values are at fault, and not the database. SQLite has no error of its own for it."""
    return isinstance(error, DataError) or (isinstance(error, OperationalError) and str(error) in _SQLITE_VALUE_ERRORS)


def _setting(milliseconds: int) -> str:
    """Return the statement that sets the limit until the transaction or savepoint ends, unless a lower one is set."""
    held = "current_setting('statement_timeout')"
    return (
        f"SELECT set_config('statement_timeout', CASE WHEN {held} = '0' OR {held}::interval > '{milliseconds} ms' "
        f"THEN '{milliseconds}' ELSE {held} END, true)"
    )


def _in_one_message(milliseconds: int) -> Callable[..., Any]:
    """Return a wrapper for ``connection.execute_wrapper`` that sends the limit along."""
    before = _setting(milliseconds)

    def execute_within(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        connection, cursor = context["connection"], context["cursor"]
        if connection.get_autocommit():
            result = execute(f"{before}; {sql}", params, many, context)
            cursor.nextset()
            return result
        after = f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}; RELEASE SAVEPOINT {_SAVEPOINT}"
        try:
            result = execute(f"SAVEPOINT {_SAVEPOINT}; {before}; {sql}; {after}", params, many, context)
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) not in (None, _ABORTED):
                cursor.cursor.execute(after)
            raise
        cursor.nextset()
        cursor.nextset()
        return result

    return execute_within


@contextmanager
def _in_savepoint(connection: BaseDatabaseWrapper, milliseconds: int) -> Iterator[None]:
    """Set the limit by a statement of its own, in a transaction or savepoint that is rolled back."""
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            cursor.execute(_setting(milliseconds))
        yield
        transaction.set_rollback(True, using=connection.alias)


@contextmanager
def _watched(connection: BaseDatabaseWrapper, milliseconds: int) -> Iterator[None]:
    """Let SQLite ask, every so many steps, whether the time is up."""
    connection.ensure_connection()
    end = time.monotonic() + milliseconds / 1000
    connection.connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)
