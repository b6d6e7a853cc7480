"""Draining: who is inside a plugin is waited for, then nobody gets in any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gridkit_django.events import event_bus, make_event
from gridkit_django.exceptions import PluginStateError
from gridkit_django.plugins import Plugin, PluginContext, PluginManager
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.stats import CallStats
from tests.plugins.samples import metadata
from tests.servers.processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]


class Door:
    """Two handlers of one plugin; the first one waits inside until it is let go."""

    def __init__(self) -> None:
        self.entered, self.leave = threading.Event(), threading.Event()
        self.heard: list[str] = []

    def first(self, event: object) -> None:
        self.heard.append("first")
        self.entered.set()
        assert self.leave.wait(20)

    def second(self, event: object) -> None:
        self.heard.append("second")


@pytest.fixture
def door(manager: PluginManager) -> Iterator[Door]:
    made = Door()

    class Guarded(Plugin):
        metadata = metadata("guarded", required_permissions=["events:subscribe", "methods:register"])

        def initialize(self, context: PluginContext) -> None:
            context.on("row:update", made.first)
            context.on("row:update", made.second)

    manager.install_plugin(Guarded)
    yield made
    made.leave.set()
    manager.runtime.catalog.remove_object("guarded")


def update() -> None:
    event_bus().emit(make_event("row:update", {"rowId": "1"}, grid="plugin-orders"))


def inside(door: Door) -> threading.Thread:
    thread = threading.Thread(target=update)
    thread.start()
    assert door.entered.wait(20)
    return thread


def taken_out(manager: PluginManager) -> LivePlugin:
    live = manager.runtime.live["guarded"]
    manager.runtime.put("guarded", None)
    return live


def test_event_on_its_way_is_told_to_the_end_before_the_plugin_is_drained(manager: PluginManager, door: Door) -> None:
    thread = inside(door)
    live, answers = taken_out(manager), []
    drainer = threading.Thread(target=lambda: answers.append(live.drain(20)))
    drainer.start()
    assert answers == []
    door.leave.set()
    drainer.join(20)
    thread.join(20)
    assert answers == [True]
    assert door.heard == ["first", "second"]


def test_after_the_time_is_over_nobody_gets_in_any_more(manager: PluginManager, door: Door) -> None:
    thread = inside(door)
    live = taken_out(manager)
    assert not live.drain(0.01)
    door.leave.set()
    thread.join(20)
    assert door.heard == ["first"], "the second was still to come"
    with pytest.raises(PluginStateError, match="stopped or replaced"):
        live.call(len, CallStats("late"), "abc")


def test_nobody_inside_needs_no_time(manager: PluginManager, door: Door) -> None:
    assert taken_out(manager).drain(0)


def test_own_calls_and_those_of_threads_that_drain_do_not_count(manager: PluginManager, door: Door) -> None:
    live = manager.runtime.live["guarded"]
    stats, answers = CallStats("call"), []
    both = threading.Barrier(2)

    def drain_inside() -> None:
        def act() -> None:
            both.wait(20)
            answers.append(live.drain(20))

        live.call(act, stats)

    threads = [threading.Thread(target=drain_inside) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [True, True]


def test_method_under_way_is_waited_for(manager: PluginManager, door: Door) -> None:
    live, result = manager.runtime.live["guarded"], []
    thread = threading.Thread(target=lambda: result.append(live.call(door.first, CallStats("call"), None)))
    thread.start()
    assert door.entered.wait(20)
    drained: list[bool] = []
    drainer = threading.Thread(target=lambda: drained.append(live.drain(20)))
    drainer.start()
    door.leave.set()
    wait_until(lambda: drained == [True], "the plugin is drained")
    thread.join(20)
    drainer.join(20)
    assert result == [None]


def test_table_that_changes_while_an_event_enters_is_looked_at_again(manager: PluginManager, door: Door) -> None:
    """Many events and many swaps at once: every event is heard by exactly one table, and none is lost."""
    heard: list[Any] = []

    class Counter(Plugin):
        metadata = metadata("counter", required_permissions=["events:subscribe"])

        def initialize(self, context: PluginContext) -> None:
            context.on("row:select", lambda event: heard.append(event.id))

    manager.install_plugin(Counter)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            manager.runtime.rebuild_table()

    swapper = threading.Thread(target=swap)
    swapper.start()
    events = [make_event("row:select", {"rowId": "1"}, grid="plugin-orders") for _ in range(500)]
    for event in events:
        event_bus().emit(event)
    stop.set()
    swapper.join(20)
    assert heard == [event.id for event in events]
    assert manager.usage_of("counter").calls[0].calls == 500
    manager.runtime.catalog.remove_object("counter")
