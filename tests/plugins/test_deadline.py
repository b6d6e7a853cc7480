"""Calls with a deadline: their threads are used again, and leave nothing open."""

from __future__ import annotations

import os
import threading

import pytest
from django.db import connection, connections

from gridkit_django.plugins import deadline
from gridkit_django.plugins.deadline import DeadlineCaller, DeadlineError
from tests.servers.processes import wait_until


def test_calls_one_after_the_other_share_a_thread() -> None:
    caller = DeadlineCaller()
    seen = set()
    for _ in range(5):
        seen.add(caller.call("p", threading.get_ident, 5))
        wait_until(lambda: len(caller._idle) == 1, "the thread to be idle")
    assert len(seen) == 1
    assert threading.get_ident() not in seen


def test_calls_at_the_same_time_have_threads_of_their_own() -> None:
    caller, both = DeadlineCaller(), threading.Barrier(2)
    other = threading.Thread(target=lambda: caller.call("a", lambda: both.wait(10), 10))
    other.start()
    caller.call("b", lambda: both.wait(10), 10)
    other.join()
    wait_until(lambda: len(caller._idle) == 2, "both threads to be idle")


@pytest.mark.django_db(transaction=True)
def test_connection_that_a_call_opened_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask() -> object:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return connections["default"]

    def close(opened: object) -> None:
        closed.append(opened)

    closed: list[object] = []
    monkeypatch.setattr(type(connections["default"]), "close", close)
    caller = DeadlineCaller()
    caller.call("p", int, 5)
    assert closed == []
    opened = caller.call("p", ask, 5)
    assert opened is not connections["default"]
    assert closed == [opened]
    monkeypatch.undo()
    opened.inc_thread_sharing()
    opened.close()


def test_thread_that_nobody_needs_ends_and_a_call_after_that_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "IDLE_SECONDS", 0.01)
    caller = DeadlineCaller()
    thread = caller.call("p", threading.current_thread, 5)
    wait_until(lambda: not thread.is_alive(), "the thread to end")
    assert caller._idle == []
    assert caller.call("p", lambda: 7, 5) == 7


def test_worker_that_was_just_taken_does_not_retire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "IDLE_SECONDS", 0.01)
    caller = DeadlineCaller()
    worker = caller._worker()
    assert caller._retire(worker) is False
    caller._rest(worker)
    wait_until(lambda: caller._idle == [], "the worker to retire")


def test_forked_child_begins_with_threads_of_its_own() -> None:
    caller, release = DeadlineCaller(), threading.Event()
    caller.call("p", lambda: 1, 5)
    with pytest.raises(DeadlineError):
        caller.call("p", release.wait, 0.01)
    caller._pid = os.getpid() + 1
    assert caller.call("p", lambda: 2, 5) == 2
    release.set()
