"""The database of the plugins, and savepoints around plugin code: lazy ones, as most calls touch no database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from django.db import Error, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.events.savepoints import LazySavepoint
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
        self._guarded = [LazySavepoint(connection) for connection in guarded]

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
