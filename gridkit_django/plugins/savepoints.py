"""The database of the plugins, and savepoints around plugin code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import connections, router, transaction

from gridkit_django.models import InstalledPlugin


def database() -> str:
    """Return the alias of the database that holds the truth about plugins; never a replica, which may lag behind."""
    return router.db_for_write(InstalledPlugin)


@contextmanager
def savepoints() -> Iterator[None]:
    """Open a savepoint on each database that is inside a transaction; roll back to it when the block raises.

    So what fails inside can't break the transaction outside.

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
