"""Turns: the server's requests and the test's own look into the database, one after the other.

Where the database is an SQLite in memory, the server's threads and the test share one connection, and so one
transaction; in turns they do not meet in it. Between two tests the server answers nothing: a request that a page sent
last would meet the clearing of the tables.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase

_TURN = threading.RLock()
_OPEN = threading.Event()


@contextmanager
def my_turn() -> Iterator[None]:
    """Hold the server's requests up for as long as the test looks into the database."""
    with _TURN:
        yield


@contextmanager
def opened() -> Iterator[None]:
    """Let the server answer for as long as a test runs; when it ends, so has the last answer."""
    _OPEN.set()
    yield
    with _TURN:
        _OPEN.clear()


def take_turns(patch: pytest.MonkeyPatch) -> None:
    """Let the server answer one request at a time."""
    answer = BaseHandler.get_response

    def in_turn(self: BaseHandler, request: HttpRequest) -> HttpResponseBase:
        with _TURN:
            return answer(self, request) if _OPEN.is_set() else HttpResponse(status=503)

    patch.setattr(BaseHandler, "get_response", in_turn)
