"""Accounting of events: quick rounds counted at once, long calls one by one, slow handlers left out, observers told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from gridkit_django.events import Actor, EventSource, GridEvent, event_bus, make_event
from gridkit_django.exceptions import EventRejected, PluginHandlerError
from gridkit_django.models import AuditRecord
from gridkit_django.plugins import Plugin, PluginContext, PluginManager
from gridkit_django.plugins.here import QUICK_NS
from gridkit_django.plugins.stats import CallFigures
from gridkit_django.plugins.tally import ONE_OF, ROUNDS_MAX
from tests.plugins.samples import metadata
from tests.shop.models import Customer

pytestmark = [pytest.mark.django_db(transaction=True)]

GRID = "plugin-orders"
Handler = Callable[[GridEvent], None]
Install = Callable[..., None]


def update(**payload: Any) -> None:
    event_bus().emit(make_event("row:update", {"rowId": "1", **payload}, grid=GRID))


def busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


@pytest.fixture
def install(manager: PluginManager) -> Iterator[Install]:
    """Install a plugin of handlers, each with the arguments of ``context.on``."""
    names: list[str] = []

    def make(name: str, *handlers: Handler, **arguments: Any) -> None:
        class Made(Plugin):
            def initialize(self, context: PluginContext) -> None:
                for handler in handlers:
                    context.on("row:update", handler, **arguments)

        Made.metadata = metadata(name, required_permissions=["events:subscribe", "audit:write"])
        manager.install_plugin(Made)
        names.append(name)

    yield make
    for name in names:
        manager.runtime.catalog.remove_object(name)


def figures(manager: PluginManager, name: str) -> tuple[CallFigures, ...]:
    return tuple(stats.figures() for stats in manager.runtime.live[name].all_stats())


def test_quick_rounds_are_counted_when_they_are_read(manager: PluginManager, install: Install) -> None:
    install("quick", lambda event: None, lambda event: None)
    for _ in range(3):
        update()
    for item in figures(manager, "quick"):
        assert (item.calls, item.errors, item.failing, item.slow) == (3, 0, 0, 0)
        assert 0 < item.total_ms == item.cpu_ms
        assert 0 < item.p50_ms <= item.p95_ms
    assert manager.runtime.live["quick"].cpu.percent() > 0


def test_many_rounds_are_counted_exactly_and_their_spread_is_sampled(manager: PluginManager, install: Install) -> None:
    install("quick", lambda event: None)
    rounds = ROUNDS_MAX + 13
    for _ in range(rounds):
        update()
    delta = manager.runtime.live["quick"].all_stats()[0].take()
    assert delta.calls == rounds == len(delta.histogram)
    assert delta.wall_ns > rounds * 10
    assert max(delta.histogram.as_dict().values()) >= ONE_OF


def test_what_was_taken_is_not_taken_again(manager: PluginManager, install: Install) -> None:
    install("quick", lambda event: None)
    update()
    stats = manager.runtime.live["quick"].all_stats()[0]
    assert stats.take().calls == 1
    again = stats.take()
    assert (again.calls, again.wall_ns, len(again.histogram)) == (0, 0, 0)
    assert stats.figures().calls == 1


def test_processor_time_of_a_long_call_is_its_own_and_not_that_of_waiting(
    manager: PluginManager, install: Install
) -> None:
    install("worker", lambda event: busy(0.02))
    install("sleeper", lambda event: time.sleep(0.02))
    stats = [manager.runtime.live[name].all_stats()[0] for name in ("worker", "sleeper")]
    update()
    for item in stats:
        item.take()  # the first long call may be given more, because nobody had read the clock before it
    for _ in range(3):
        update()
    worker, sleeper = (item.take() for item in stats)
    assert worker.calls == sleeper.calls == 3
    assert worker.cpu_ns >= 60_000_000
    assert sleeper.wall_ns >= 60_000_000
    assert sleeper.cpu_ns < 30_000_000


def test_time_of_a_handler_is_without_that_of_handlers_which_it_calls_forth(
    manager: PluginManager, install: Install
) -> None:
    event = GridEvent("row:select", {"rowId": "1"}, GRID, Actor.system("test"), EventSource.SYSTEM)

    class Inner(Plugin):
        metadata = metadata("inner", required_permissions=["events:subscribe"])

        def initialize(self, context: PluginContext) -> None:
            context.on("row:select", lambda event: busy(0.05))

    manager.install_plugin(Inner)
    install("outer", lambda _: (busy(0.005), event_bus().emit(event)))
    stats = [manager.runtime.live[name].all_stats()[0] for name in ("outer", "inner")]
    update()
    for item in stats:
        item.take()  # the first long call may be given more, because nobody had read the clock before it
    update()
    outer, inner = (item.take() for item in stats)
    assert inner.cpu_ns >= 50_000_000
    assert 5_000_000 <= outer.cpu_ns < 40_000_000
    manager.runtime.catalog.remove_object("inner")


def test_failure_in_the_middle_leaves_the_accounting_of_the_others_right(
    manager: PluginManager, install: Install
) -> None:
    def fail(event: GridEvent) -> None:
        raise ValueError("no")

    install("a", lambda event: None)
    install("b", fail)
    install("c", lambda event: busy(2 * QUICK_NS / 1e9), lambda event: None)
    for _ in range(2):
        update()
    counts = {name: [(item.calls, item.errors, item.failing) for item in figures(manager, name)] for name in "abc"}
    assert counts == {"a": [(2, 0, 0)], "b": [(2, 2, 2)], "c": [(2, 0, 0), (2, 0, 0)]}


def test_veto_in_the_middle_is_counted_and_ends_the_round(manager: PluginManager, install: Install) -> None:
    def refuse(event: GridEvent) -> None:
        raise EventRejected("no")

    install("a", lambda event: None, refuse, lambda event: None, moment="before")
    with pytest.raises(EventRejected):
        update()
    assert [(item.calls, item.errors) for item in figures(manager, "a")] == [(1, 0), (1, 0), (0, 0)]


def test_interrupt_is_counted_and_goes_on(manager: PluginManager, install: Install) -> None:
    def interrupt(event: GridEvent) -> None:
        raise KeyboardInterrupt

    install("a", interrupt)
    with pytest.raises(KeyboardInterrupt):
        update()
    assert figures(manager, "a")[0].errors == 1


def test_handler_that_is_unsubscribed_by_one_before_it_is_not_called_any_more(
    manager: PluginManager, install: Install
) -> None:
    heard: list[str] = []

    class Fickle(Plugin):
        metadata = metadata("fickle", required_permissions=["events:subscribe"])

        def initialize(self, context: PluginContext) -> None:
            context.on("row:update", lambda event: remove(), priority="high")
            remove = context.on("row:update", lambda event: heard.append("late"))

    manager.install_plugin(Fickle)
    update()
    assert heard == []
    manager.runtime.catalog.remove_object("fickle")


def test_right_that_is_taken_in_the_middle_of_a_round_counts_for_the_next_call(
    manager: PluginManager, install: Install
) -> None:
    heard: list[str] = []
    install("first", lambda event: manager.revoke_permission("second", "events:subscribe"))
    install("second", lambda event: heard.append("heard"))
    update()
    assert heard == []


def test_slow_handler_is_left_out_tried_and_called_again(
    manager: PluginManager, install: Install, settings: Any
) -> None:
    settings.GRIDKIT = {"HANDLER_BUDGET_MS": 50, "BREAKER_SLOW_CALLS": 2, "BREAKER_SECONDS": 1}
    delays = [0.06, 0.06]
    install("slow", lambda event: busy(delays.pop()) if delays else None)
    install("other", lambda event: None)
    for _ in range(4):
        update()
    item = figures(manager, "slow")[0]
    assert (item.calls, item.slow, item.skipped) == (2, 2, 2)
    assert figures(manager, "other")[0].calls == 4
    manager.runtime.housekeeping()
    info = manager.get_plugin("slow")
    assert (info.effective_state, info.state_code) == ("degraded", "handler-paused")
    assert "left out for 1 seconds" in info.state_reason
    until = time.monotonic() + 10
    while figures(manager, "slow")[0].calls < 3:
        assert time.monotonic() < until
        update()
    manager.runtime.housekeeping()
    assert manager.get_plugin("slow").effective_state == "active"
    assert AuditRecord.objects.filter(action="plugin.recover").exists()


def test_critical_handler_is_never_left_out(manager: PluginManager, install: Install, settings: Any) -> None:
    settings.GRIDKIT = {"HANDLER_BUDGET_MS": 1, "BREAKER_SLOW_CALLS": 1, "BREAKER_SECONDS": 1000}
    install("critical", lambda event: busy(0.003), critical=True)
    for _ in range(3):
        update()
    item = figures(manager, "critical")[0]
    assert (item.calls, item.slow, item.skipped) == (3, 3, 0)
    assert manager.get_plugin("critical").effective_state == "active"


class Watcher:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None]] = []

    def called(self, plugin_id: str, name: str, wall_ns: int, cpu_ns: int, error: BaseException | None) -> None:
        assert 0 <= cpu_ns <= wall_ns
        self.seen.append((plugin_id, error and type(error).__name__))


class Spoiler:
    """Raises at each call."""

    def called(self, plugin_id: str, name: str, wall_ns: int, cpu_ns: int, error: BaseException | None) -> None:
        raise RuntimeError("not my day")


def test_observers_are_told_of_each_call_and_spoil_nothing(manager: PluginManager, install: Install) -> None:
    def fail(event: GridEvent) -> None:
        raise ValueError("no")

    watcher = Watcher()
    install("seen", lambda event: None, fail)
    try:
        for observer in (Spoiler(), watcher):
            manager.observe(observer)
        update()
    finally:
        manager.runtime.observers = ()
    assert watcher.seen == [("seen", None), ("seen", "ValueError")]


@pytest.mark.both_databases
def test_report_of_a_pause_survives_the_failure_of_the_next_handler(
    manager: PluginManager, install: Install, settings: Any
) -> None:
    def fail(event: GridEvent) -> None:
        Customer.objects.create(name="ghost", email="ghost@example.org")
        raise ValueError("no")

    settings.GRIDKIT = {"HANDLER_BUDGET_MS": 1, "BREAKER_SLOW_CALLS": 1, "BREAKER_SECONDS": 1000}
    install("a-slow", lambda event: busy(0.003))
    install("b-bad", fail)
    with transaction.atomic():
        update()
    manager.runtime.housekeeping()
    assert manager.get_plugin("a-slow").state_code == "handler-paused"
    assert not Customer.objects.exists()


@pytest.mark.both_databases
def test_critical_failure_takes_the_whole_act_along(manager: PluginManager, install: Install) -> None:
    def fail(event: GridEvent) -> None:
        raise OSError("full")

    install("critical", fail, critical=True)

    def act() -> None:
        with transaction.atomic():
            Customer.objects.create(name="real", email="real@example.org")
            update()

    with pytest.raises(PluginHandlerError):
        act()
    assert not Customer.objects.exists()
