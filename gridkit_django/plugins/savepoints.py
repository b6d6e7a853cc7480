"""The database of the plugins, and savepoints around plugin code.

A savepoint costs two round trips to the database, and most calls into plugins do not touch it. So a savepoint is made
when a call's first statement comes, and counts as if it had been made when the call began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, cast

from django.db import Error, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins.here import Here, here


def database() -> str:
    """Return the alias of the database that holds the truth about plugins; never a replica, which may lag behind."""
    return router.db_for_write(InstalledPlugin)


def connection_opened(**_kwargs: Any) -> None:
    """Receiver of Django's ``connection_created``: look up anew which connections this thread has."""
    mine = here()
    if mine.connections is not None:
        kept = tuple(item for item in mine.connections if item.connection is not None)
        mine.connections = tuple(dict.fromkeys((*kept, *connections.all(initialized_only=True))))


def in_transaction() -> bool:
    """Whether this thread is inside a transaction on any database."""
    return any(connection.in_atomic_block for connection in _connections(here()))


@contextmanager
def savepoints() -> Iterator[None]:
    """Guard the transactions under way for one block: when it raises, what it did to them is rolled back.

    Outside of transactions this does nothing.
    """
    guard = open_guard(here())
    if guard is None:
        yield
        return
    with guard:
        try:
            yield
        except BaseException as error:
            guard.settle(error)
            raise
        guard.settle(None)


def open_guard(mine: Here) -> CallGuard | None:
    """Return a guard for the transactions that are open in this thread, or None when there is none.

    Args:
        mine: this thread.
    """
    found = mine.connections
    if found is None:
        found = _connections(mine)
    for connection in found:
        if connection.in_atomic_block:
            return CallGuard([item for item in found if item.in_atomic_block])
    return None


def _connections(mine: Here) -> tuple[BaseDatabaseWrapper, ...]:
    found = mine.connections
    if found is None:
        found = mine.connections = tuple(connections.all(initialized_only=True))
    return found


class CallGuard:
    """Keeps transactions whole while plugin code runs inside them, one call after the other.

    It is at work between ``attach`` and ``detach``, or as a context manager. After each call ``settle`` keeps or undoes
    what the call did.

    Args:
        guarded: the connections; each is inside a transaction.
    """

    def __init__(self, guarded: list[BaseDatabaseWrapper]) -> None:
        self._guarded = [_LazySavepoint(connection) for connection in guarded]

    def __enter__(self) -> Self:
        self.attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()

    def attach(self) -> None:
        """Begin to guard; a call may begin."""
        for savepoint in self._guarded:
            savepoint.attach()

    def detach(self) -> None:
        """Guard no more."""
        for savepoint in reversed(self._guarded):
            savepoint.detach()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Guard nothing for one block between two calls."""
        self.detach()
        try:
            yield
        finally:
            self.attach()

    def settle(self, error: BaseException | None) -> None:
        """End one call; another may begin.

        Args:
            error: what the call raised; then all that it did is undone.

        Raises:
            django.db.Error: when a call that raised nothing left a transaction that is broken; it is undone.
        """
        broken: Error | None = None
        for savepoint in reversed(self._guarded):
            try:
                savepoint.settle(failed=error is not None or broken is not None)
            except Error as raised:
                broken = raised
        if broken is not None:
            raise broken


class _LazySavepoint:
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
        inner = [item for item in connection.execute_wrappers[position + 1 :] if isinstance(item, _LazySavepoint)]
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
