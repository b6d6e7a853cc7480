"""The event bus: takes one event through its moments on Django's signals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeAlias, cast

from django.apps import apps
from django.db import transaction

from gridkit_django.events.context import current_act
from gridkit_django.events.payloads import BulkPart, GridEvent
from gridkit_django.events.signals import MomentSignals, moments_of
from gridkit_django.typing import JSONObject, JSONValue

Later: TypeAlias = Callable[[GridEvent], None] | None
"""What takes an event that is to be told after the commit."""


class EventMiddleware(Protocol):
    """Sees each event once, before anybody else, and may change it or drop it."""

    def __call__(self, event: GridEvent) -> GridEvent | None:
        """Return the event, another one with the same id, or None to drop it."""
        ...


class Emission:
    """One event on its way through its moments.

    Args:
        event: the event, or None when middleware dropped it; then nobody is told.
        sender: the ``sender`` argument of the signals.
        using: alias of the database whose transaction the event belongs to.
        later: takes the event instead, when somebody is to be told of it after the commit.
    """

    __slots__ = ("_later", "_sender", "_using", "event")

    def __init__(self, event: GridEvent | None, sender: Any, using: str | None, later: Later = None) -> None:
        self.event = event
        self._sender = sender
        self._using = using
        self._later = later

    def before(self) -> None:
        """Tell the ``before`` receivers; one of them may raise ``EventRejected`` to veto."""
        if self.event is not None:
            moments_of(self.event.type).before.tell(self._sender, self.event)

    def after(self, **payload: JSONValue) -> None:
        """Tell the ``after`` receivers, and after the commit the ``committed`` ones.

        Nothing waits for the commit when nobody listens for it now.

        Args:
            payload: values that are known only now, added to the event.
        """
        if self.event is None:
            return
        if payload:
            self.event = self.event.with_payload(**payload)
        _tell_after(self.event, moments_of(self.event.type), self._sender, self._using, self._later)


def _tell_after(event: GridEvent, signals: MomentSignals, sender: Any, using: str | None, later: Later = None) -> None:
    signals.after.tell(sender, event)
    if not signals.committed.expects():
        return
    if later is not None:
        later(event)
    else:
        transaction.on_commit(partial(signals.committed.tell_all, sender, event), using=using)


class EventBus:
    """Publishes events; middleware stands at its door.

    Args:
        middleware: called in this order on each event, outermost first.
    """

    def __init__(self, middleware: tuple[EventMiddleware, ...] = ()) -> None:
        self._middleware = middleware

    def use(self, middleware: EventMiddleware) -> Callable[[], None]:
        """Add middleware at the inner end and return a function that takes just this one away again."""
        self._middleware = (*self._middleware, middleware)

        def remove() -> None:
            self._middleware = tuple(item for item in self._middleware if item is not middleware)

        return remove

    def open(
        self, event: GridEvent, *, sender: Any = GridEvent, using: str | None = None, later: Later = None
    ) -> Emission:
        """Take an event through the middleware and return its emission, to be told moment by moment.

        Args:
            event: what is about to happen.
            sender: ``sender`` of the signals, by convention the ``Grid`` class.
            using: database alias for ``committed``; None is Django's default.
            later: takes the event when it is to be told as ``committed``; None lets the commit itself tell it. For
                acts of so many events that they must not all wait in memory.
        """
        return Emission(self._judged(event), sender, using, later)

    def emit(self, event: GridEvent, *, sender: Any = GridEvent, using: str | None = None) -> GridEvent | None:
        """Tell all moments of an event whose act needs no code between them.

        Returns:
            The event as the handlers saw it, or None when middleware dropped it.

        Raises:
            EventRejected: when a ``before`` handler vetoes.
        """
        judged = self._judged(event) if self._middleware else event
        if judged is None:
            return None
        signals = moments_of(judged.type)
        signals.before.tell(sender, judged)
        _tell_after(judged, signals, sender, using)
        return judged

    def _judged(self, event: GridEvent) -> GridEvent | None:
        """Return what the middleware makes of an event; None when it drops it."""
        for middleware in self._middleware:
            answer = middleware(event)
            if answer is None:
                return None
            event = answer
        return event


def make_event(
    event_type: str, payload: JSONObject, *, grid: str | None = None, bulk: BulkPart | None = None
) -> GridEvent:
    """Make an event of the act under way: actor, source and correlation id come from ``current_act``."""
    act = current_act()
    return GridEvent(
        type=event_type,
        payload=payload,
        grid=grid,
        actor=act.actor,
        source=act.source,
        correlation_id=act.correlation_id,
        visit=act.visit,
        bulk=bulk,
    )


def event_bus() -> EventBus:
    """Return this process's bus, which the app config owns."""
    return cast("EventBus", apps.get_app_config("gridkit_django").event_bus)  # type: ignore[attr-defined]
