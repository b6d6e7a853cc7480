"""Finding out who acts from within an event loop, where Django lets nobody ask the database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.core.exceptions import SynchronousOnlyOperation
from django.db import connections

R = TypeVar("R")


def read_outside_loop(read: Callable[[], R]) -> R:
    """Return what is read; in another thread, where Django does not let this one ask the database.

    So a coroutine may send a task or make an event before anybody has asked for the user; it waits for that query once.

    Args:
        read: asks the database, perhaps.
    """
    try:
        return read()
    except SynchronousOnlyOperation:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(_read_and_close, read).result()


def _read_and_close(read: Callable[[], R]) -> R:
    try:
        return read()
    finally:
        connections.close_all()
