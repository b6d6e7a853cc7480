"""When a process looks, which thread follows, and what a forked child makes of its parent's plugins."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import transaction

from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.freshness import Freshness
from gridkit_django.plugins.generation import GenerationStore
from gridkit_django.plugins.turns import Turns
from tests.plugins.samples import Listener


class Generations(GenerationStore):
    """Says what it is told to say."""

    value = 5

    def current(self) -> int:
        return self.value


@pytest.fixture
def fresh() -> Freshness:
    return Freshness(Generations())


def _in_a_thread(act: object) -> None:
    thread = threading.Thread(target=act)  # type: ignore[arg-type]
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_look_that_began_before_a_call_does_not_answer_it(fresh: Freshness) -> None:
    first = fresh.wanted
    fresh.want()
    fresh.answer(first)
    assert fresh.is_due
    fresh.answer(fresh.wanted)
    assert not fresh.is_due


def test_pause_counts_for_its_own_thread_only_and_can_be_nested(fresh: Freshness) -> None:
    found: list[bool] = []
    with fresh.paused():
        with fresh.paused():
            pass
        assert not fresh.is_due
        _in_a_thread(lambda: found.append(fresh.is_due))
    assert fresh.is_due
    assert found == [True]


@pytest.mark.parametrize(("followed", "outside", "inside"), [(-1, True, True), (5, False, False), (6, True, False)])
@pytest.mark.django_db(transaction=True)
def test_smaller_number_is_followed_outside_a_transaction_only(
    fresh: Freshness, followed: int, outside: bool, inside: bool
) -> None:
    assert fresh.has_moved(followed) is outside
    with transaction.atomic():
        assert fresh.has_moved(followed) is inside


@pytest.mark.django_db(transaction=True)
def test_doubt_lasts_as_long_as_the_transaction_of_the_thread_that_changes(fresh: Freshness) -> None:
    with transaction.atomic():
        fresh.doubt()
        fresh.followed()
        assert fresh.has_moved(5)
        _in_a_thread(fresh.followed)
        assert not fresh.is_doubtful, "another thread read what is committed"
        fresh.followed()
        assert fresh.is_doubtful, "this one read what may be rolled back"
    fresh.settle()
    assert fresh.has_moved(5), "compared once more, now that it is committed or not"
    fresh.followed()
    assert not fresh.has_moved(5)


def test_turn_is_waited_for_and_given_up_when_it_takes_too_long() -> None:
    turns, begun, done = Turns(), threading.Event(), threading.Event()

    def work() -> None:
        with turns.taken(1) as mine:
            assert mine
            assert turns.is_mine
            begun.set()
            done.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(10)
    with turns.taken(0.2) as mine:
        assert not mine
    began = time.monotonic()
    for _ in range(50):
        with turns.taken(0.2) as mine:
            assert not mine
    assert time.monotonic() - began < 0.2 * 50, "the time is lost once and not by each"
    done.set()
    with turns.taken(10, even_if_late=True) as mine:
        assert mine
        with turns.taken(10) as again:
            assert not again
    thread.join(10)


def test_turn_that_is_given_back_is_taken_by_the_one_who_waits() -> None:
    turns, begun, found = Turns(), threading.Event(), []

    def wait() -> None:
        begun.set()
        with turns.taken(10) as mine:
            found.append(mine)

    with turns.taken(1):
        thread = threading.Thread(target=wait)
        thread.start()
        assert begun.wait(10)
    thread.join(10)
    assert found == [True]


def test_child_finds_the_turn_free_though_a_thread_of_its_parent_had_it() -> None:
    turns = Turns()
    with turns.taken(1):
        turns.renew()
        with turns.taken(0.1) as mine:
            assert mine
        turns._lock.acquire()  # the outer block gives it back


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_child_starts_the_plugins_of_its_parent_anew_and_destroys_none_of_them(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    life: list[str] = []
    monkeypatch.setattr(Listener, "life", life)
    manager.install_plugin(Listener)
    old = manager.runtime.live["listener"]
    assert old.methods

    manager.after_fork()

    assert not manager.runtime.live
    assert life == ["initialize"]
    manager.ensure_current()
    new = manager.runtime.live["listener"]
    assert new is not old
    assert life == ["initialize", "initialize"]
    assert (bool(old.methods), old.subscriptions, bool(new.methods)) == (False, (), True)
