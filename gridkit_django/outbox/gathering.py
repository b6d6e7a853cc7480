"""Gathering what is put during one act, and storing it by one statement at the act's end, in its transaction.

What is put meanwhile waits in the list of things that Django does after the commit: what a savepoint takes back leaves
that list. So the message of a handler that fails is not stored, and nobody has to be told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.outbox.channels import Place, database
from gridkit_django.outbox.putting import NewMessage, store

_gathering: ContextVar[BaseDatabaseWrapper | None] = ContextVar("gridkit_outbox_gathering", default=None)


class _Held:
    """Messages of one put that are not stored yet."""

    __slots__ = ("messages",)

    def __init__(self, messages: Sequence[tuple[Place, NewMessage]]) -> None:
        self.messages = messages

    def __call__(self) -> None:
        """Do nothing after the commit: they were stored before it."""


@contextmanager
def gathered() -> Iterator[None]:
    """Run a block in one transaction, and store all that it puts by one statement at its end.

    Messages stand or fall with what they tell of, as ever: those of a savepoint that is rolled back are not stored.
    Inside another such block they are stored at the end of that one.
    """
    connection = connections[database()]
    if _gathering.get() is connection:
        with transaction.atomic(using=connection.alias):
            yield
        return
    with transaction.atomic(using=connection.alias):
        token = _gathering.set(connection)
        try:
            yield
        finally:
            _gathering.reset(token)
        taken = _take(connection)
        if not connection.needs_rollback:  # else all of it is about to be undone
            store(taken)


def store_or_hold(messages: Sequence[tuple[Place, NewMessage]]) -> None:
    """Store messages in the transaction under way: at once, or with the others of the act that gathers them."""
    connection = connections[database()]
    if _gathering.get() is connection:
        transaction.on_commit(_Held(messages), using=connection.alias)
    else:
        store(messages)


def _take(connection: BaseDatabaseWrapper) -> list[tuple[Place, NewMessage]]:
    """Return what still stands of all that was put, in its order, and hold it no longer."""
    held = [entry[1] for entry in connection.run_on_commit if isinstance(entry[1], _Held)]
    taken = [message for item in held for message in item.messages]
    for item in held:
        item.messages = ()
    return taken
