"""Acts that need the table for themselves: they wait only a moment for it, since everybody else waits behind them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connections, transaction

from gridkit_django.exceptions import AuditPartitionBusyError

T = TypeVar("T")

LOCK_SECONDS = 2.0
"""How long a lock is waited for. Writers that come later stand behind whoever waits, so it must be short."""

TRIES = 5
PAUSE_SECONDS = 1.0

_LOCK_NOT_AVAILABLE = "55P03"


def with_lock(alias: str, work: Callable[[], T]) -> T:
    """Do something in a transaction that gives up soon when it does not get its locks, and try it some times.

    Args:
        alias: of the database.
        work: does it; it may be called several times.

    Raises:
        AuditPartitionBusyError: when it got no lock at any time.
    """
    for number in range(1, TRIES + 1):
        try:
            with transaction.atomic(using=alias):
                _limit(alias, f"{int(LOCK_SECONDS * 1000)}ms")
                done = work()
                _limit(alias, "0")
                return done
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            if number == TRIES:
                raise AuditPartitionBusyError(
                    f"The record table of {alias!r} was in use all the time, by a long transaction or a backup: "
                    f"{TRIES} times it could not be locked within {LOCK_SECONDS:g} seconds. Nothing was changed. Try "
                    "it again at a quieter time."
                ) from error
            time.sleep(PAUSE_SECONDS)
    raise AssertionError  # pragma: no cover - the last try returns or raises


def _limit(alias: str, value: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [value])
