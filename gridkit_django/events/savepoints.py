"""Savepoints that are made when they are needed.

A savepoint costs two round trips to the database, and most of what is told of events does not touch it. So one is made
when the first statement comes, and counts as if it had been made at the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def lazy_savepoint(alias: str) -> Iterator[None]:
    """Undo what the block does to the transaction under way when it raises. Without a statement it costs none.

    Args:
        alias: of the database; it is inside a transaction.
    """
    savepoint = LazySavepoint(connections[alias])
    savepoint.attach()
    try:
        try:
            yield
        except BaseException:
            savepoint.settle(failed=True)
            raise
        savepoint.settle(failed=False)
    finally:
        savepoint.detach()


class LazySavepoint:
    """The savepoint of one connection: made before the first statement of a call.

    It takes the place in Django's stack of savepoints that it would have had at the call's beginning, below what the
    call itself opened since.

    Args:
        connection: inside a transaction.

    Attributes:
        is_made: whether the call under way has its savepoint.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._sid: str | None = None
        self.is_made = self._was_doomed = False
        self._depth = self._blocks = self._hooks = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Make the savepoint, then execute the statement: a wrapper as Django's ``execute_wrapper`` takes it."""
        if not self.is_made and not self._connection.needs_rollback:
            self._make()
        return execute(sql, params, many, context)

    def push(self) -> None:
        """Make room in the stack: a guard around this one has made its savepoint below."""
        self._depth += 1

    def _make(self) -> None:
        connection = self._connection
        position = connection.execute_wrappers.index(self)
        inner = [item for item in connection.execute_wrappers[position + 1 :] if isinstance(item, LazySavepoint)]
        # The statement that makes it comes by here again, and by the guards inside this one, whose turn is later.
        waiting = [item for item in (self, *inner) if not item.is_made]
        for item in waiting:
            item.is_made = True
        try:
            sid = connection.savepoint()
        finally:
            for item in waiting:
                item.is_made = False
        # A database without savepoints gives none, and Django's own stack holds None for that.
        connection.savepoint_ids.insert(self._depth, cast("str", sid))
        self._sid, self.is_made = sid, True
        for item in inner:
            item.push()

    def attach(self) -> None:
        """Watch the statements of the connection."""
        self._begin()
        self._connection.execute_wrappers.append(self)

    def detach(self) -> None:
        """Watch no more."""
        self._connection.execute_wrappers.remove(self)

    def settle(self, *, failed: bool) -> None:
        """Keep or undo what was done since the last time.

        Raises:
            django.db.Error: when it can't be kept; it is undone.
        """
        connection = self._connection
        if not self.is_made and connection.needs_rollback == self._was_doomed and not failed:
            self._hooks = len(connection.run_on_commit)
            return
        del connection.savepoint_ids[self._depth :]
        del connection.atomic_blocks[self._blocks :]
        try:
            if not self.is_made:
                failed = True
                connection.needs_rollback = self._was_doomed  # nothing was done, so nothing is to be rolled back
            elif failed or connection.needs_rollback:
                failed = True
                self._undo()
            else:
                self._keep()
        except Error:
            failed = True
            raise
        finally:
            if failed:
                connection.run_on_commit = connection.run_on_commit[: self._hooks]
            self._begin()

    def _keep(self) -> None:
        if self._sid is None or self._connection.closed_in_transaction:
            return
        try:
            self._connection.savepoint_commit(self._sid)
        except Error:
            self._undo()
            raise

    def _undo(self) -> None:
        """Roll back; a transaction that can't be, is marked for its own rollback."""
        connection = self._connection
        if connection.closed_in_transaction:
            return
        connection.needs_rollback = self._sid is None
        if self._sid is not None:
            try:
                connection.savepoint_rollback(self._sid)
                connection.savepoint_commit(self._sid)
            except Error:
                connection.needs_rollback = True

    def _begin(self) -> None:
        connection = self._connection
        self._sid = None
        self.is_made = False
        self._depth = len(connection.savepoint_ids)
        self._blocks = len(connection.atomic_blocks)
        self._hooks = len(connection.run_on_commit)
        self._was_doomed = connection.needs_rollback
