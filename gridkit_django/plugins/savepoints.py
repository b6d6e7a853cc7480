"""Savepoints around plugin code, so that what fails inside can't break the transaction outside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import connections, transaction


@contextmanager
def savepoints() -> Iterator[None]:
    """Open a savepoint on each database that is inside a transaction; roll back to it when the block raises.

    Outside of transactions this costs and does nothing.
    """
    with ExitStack() as stack:
        for connection in connections.all(initialized_only=True):
            if connection.in_atomic_block:
                stack.enter_context(transaction.atomic(using=connection.alias))
        yield


def in_transaction() -> bool:
    """Whether this thread is inside a transaction on any database."""
    return any(connection.in_atomic_block for connection in connections.all(initialized_only=True))
