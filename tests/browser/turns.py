"""Turns: the server's requests and the test's own look into the database, one after the other.

Where the database is an SQLite in memory, the server's threads and the test share one connection, and so one
transaction; in turns they do not meet in it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase

_TURN = threading.RLock()


@contextmanager
def my_turn() -> Iterator[None]:
    """Hold the server's requests up for as long as the test looks into the database."""
    with _TURN:
        yield


def take_turns(patch: pytest.MonkeyPatch) -> None:
    """Let the server answer one request at a time."""
    answer = BaseHandler.get_response

    def in_turn(self: BaseHandler, request: HttpRequest) -> HttpResponseBase:
        with _TURN:
            return answer(self, request)

    patch.setattr(BaseHandler, "get_response", in_turn)
