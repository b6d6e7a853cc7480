"""What an event costs on its way through the bus, against the bare Django signal under it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.dispatch import Signal

from gridkit_django.events import Actor, ActorKind, EventSource, GridEvent, Moment, event_bus, signal_for
from gridkit_django.typing import JSONObject
from tests.benchmarks.harness import compare, table

EVENTS = 2000
TYPE = "row:update"


def run() -> Iterator[str]:
    """Compare `emit` with `Signal.send`, without and with ten receivers."""
    for receivers in (0, 10):
        yield _with_receivers([_receiver() for _ in range(receivers)])


def _with_receivers(receivers: list[Callable[..., None]]) -> str:
    """Return the table for some receivers on the moment `after`."""
    bare, ours = Signal(), signal_for(TYPE, Moment.AFTER)
    for receiver in receivers:
        bare.connect(receiver)
        ours.connect(receiver)
    event, bus = _event(), event_bus()
    try:
        measured = compare(
            {
                "Django Signal.send, one moment": lambda: _repeat(lambda: bare.send(sender=GridEvent, event=event)),
                "event_bus().emit, all three moments": lambda: _repeat(lambda: bus.emit(event)),
            }
        )
    finally:
        for receiver in receivers:
            ours.disconnect(receiver)
    return table(f"Events, {len(receivers)} receivers", measured, conditions={"events in a run": EVENTS})


def _repeat(act: Callable[[], object]) -> None:
    for _ in range(EVENTS):
        act()


def _receiver() -> Callable[..., None]:
    """Return a receiver that does nothing, a new one at each call."""

    def receive(sender: Any, **kwargs: Any) -> None:
        """Take the event."""

    return receive


def _event() -> GridEvent:
    """Return an event like that of an edited cell."""
    actor = Actor(kind=ActorKind.SYSTEM, id="", label="benchmark")
    payload: JSONObject = {"rowId": "1", "changes": {"dep_delay": [1, 2]}}
    return GridEvent(type=TYPE, payload=payload, grid="flights", actor=actor, source=EventSource.SYSTEM)
