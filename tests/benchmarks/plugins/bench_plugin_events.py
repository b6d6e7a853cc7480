"""What an event to the handlers of plugins costs, guarded and accounted, beside three that do neither.

`Signal.send_robust`, pluggy and blinker call as many receivers that do nothing; `send_robust` catches what they raise,
the other two do not, and none of them counts, times or watches anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import blinker
import pluggy
from django.db import transaction
from django.dispatch import Signal

from gridkit_django.events import Actor, EventSource, GridEvent, event_bus, signal_for
from gridkit_django.typing import JSONObject
from tests.benchmarks.harness import Variant, compare, table
from tests.benchmarks.plugins.samples import GRID, TYPE, at_work, idle_plugin

EVENTS = 1000
PROJECT = "gridkit-benchmark"


def run() -> Iterator[str]:
    """Compare with 1, 10 and 100 handlers outside of transactions, and with 10 inside."""
    for handlers in (1, 10, 100):
        yield _with_handlers(handlers)
    yield _inside_a_transaction(10)


def _with_handlers(handlers: int) -> str:
    event = _event()
    others = {
        "Signal.send_robust": _signal(handlers, event),
        "pluggy": _pluggy(handlers, event),
        "blinker": _blinker(handlers, event),
    }
    with _plugins(handlers):
        measured = compare({name: partial(_repeat, act) for name, act in {**others, **_ours(event)}.items()})
    return table(f"Event to {handlers} handlers", measured, conditions={"events in a run": EVENTS})


def _inside_a_transaction(handlers: int) -> str:
    """Compare inside a transaction, where each handler is kept from breaking it."""
    event = _event()
    bare, guarded = _signal(handlers, event), _signal(handlers, event, receiver=_in_savepoint)
    variants = {"Signal.send_robust": bare, "Signal.send_robust, atomic() in each receiver": guarded, **_ours(event)}
    with _plugins(handlers), transaction.atomic():
        measured = compare({name: partial(_repeat, act, times=100) for name, act in variants.items()})
    return table(f"Event to {handlers} handlers inside a transaction", measured, conditions={"events in a run": 100})


def _ours(event: GridEvent) -> dict[str, Variant]:
    moment, bus = signal_for(TYPE, "after"), event_bus()
    return {
        "plugins, one moment": lambda: moment.send(sender=GridEvent, event=event),
        "plugins, event_bus().emit with all moments": lambda: bus.emit(event),
    }


def _signal(handlers: int, event: GridEvent, receiver: Callable[[], Callable[..., None]] | None = None) -> Variant:
    signal = Signal()
    for _ in range(handlers):
        signal.connect((receiver or _receiver)(), weak=False)
    return lambda: signal.send_robust(sender=GridEvent, event=event)


def _receiver() -> Callable[..., None]:
    def receive(event: GridEvent, **_kwargs: object) -> None:
        """Take the event."""

    return receive


def _in_savepoint() -> Callable[..., None]:
    def receive(event: GridEvent, **_kwargs: object) -> None:
        """Take the event inside a savepoint."""
        with transaction.atomic():
            pass

    return receive


def _pluggy(handlers: int, event: GridEvent) -> Variant:
    spec, implementation = pluggy.HookspecMarker(PROJECT), pluggy.HookimplMarker(PROJECT)

    class Specs:
        """What can be implemented."""

        @spec
        def hear(self, event: GridEvent) -> None:
            """Take an event."""

    class Hearing:
        """Implements it."""

        @implementation
        def hear(self, event: GridEvent) -> None:
            """Take an event."""

    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Specs)
    for _ in range(handlers):
        manager.register(Hearing())
    return lambda: manager.hook.hear(event=event)


def _blinker(handlers: int, event: GridEvent) -> Variant:
    signal = blinker.Signal()
    for _ in range(handlers):
        signal.connect(_blinker_receiver(), weak=False)
    return lambda: signal.send(GridEvent, event=event)


def _blinker_receiver() -> Callable[..., None]:
    def receive(sender: object, event: GridEvent) -> None:
        """Take the event."""

    return receive


def _plugins(handlers: int) -> AbstractContextManager[object]:
    """Let up to ten plugins share the handlers."""
    plugins = min(handlers, 10)
    return at_work([idle_plugin(f"bench-{number}", handlers=handlers // plugins) for number in range(plugins)])


def _repeat(act: Variant, times: int = EVENTS) -> None:
    for _ in range(times):
        act()


def _event() -> GridEvent:
    payload: JSONObject = {"rowId": "1"}
    return GridEvent(TYPE, payload, GRID, Actor.system("benchmark"), EventSource.SYSTEM)
