"""One ``django.dispatch.Signal`` for each event type and moment.

A Django receiver can listen without knowing anything about plugins::

    from gridkit_django.events import Moment, signal_for

    @receiver(signal_for("row:update", Moment.AFTER))
    def recalculate(sender, event, **kwargs): ...

Receivers get ``sender`` (the ``Grid`` class, or ``GridEvent`` for events of no grid) and ``event``. What they raise
in ``before`` and ``after`` undoes the act; after ``committed`` it is logged.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, NamedTuple

from django.dispatch import Signal

from gridkit_django.events.payloads import GridEvent
from gridkit_django.events.types import EVENT_TYPES, Moment, canonical_type

logger = logging.getLogger("gridkit_django.events")


class DirectReceiver(ABC):
    """A receiver of all senders that an event reaches by one plain call, while no other kind of receiver is connected.

    Connect it with ``weak=False`` and without a sender.
    """

    def __call__(self, *, event: GridEvent, **_kwargs: Any) -> None:
        """Receive the signal as Django sends it."""
        self.hear(event)

    @abstractmethod
    def hear(self, event: GridEvent) -> None:
        """Take an event."""

    @abstractmethod
    def expects(self) -> bool:
        """Whether ``hear`` would tell anybody of an event now."""


class GridSignal(Signal):
    """A signal that spares direct receivers Django's general way, and names the event in the log when one fails."""

    def __init__(self) -> None:
        super().__init__()
        self._direct: tuple[DirectReceiver, ...] | None = ()

    def connect(self, *args: Any, **kwargs: Any) -> None:
        """Connect a receiver, see Django."""
        super().connect(*args, **kwargs)
        self._sort_receivers()

    def disconnect(self, *args: Any, **kwargs: Any) -> bool:
        """Disconnect a receiver, see Django."""
        done = super().disconnect(*args, **kwargs)
        self._sort_receivers()
        return done

    def tell(self, sender: Any, event: GridEvent) -> None:
        """Send the signal.

        Args:
            sender: the ``Grid`` class, or ``GridEvent``.
            event: what happened.

        Raises:
            Exception: what a receiver raises.
        """
        direct = self._direct
        if direct is None:
            self.send(sender=sender, event=event)
        else:
            for receiver in direct:
                receiver.hear(event)

    def tell_all(self, sender: Any, event: GridEvent) -> None:
        """Send the signal to everybody, whatever one of them raises; that is logged.

        Args:
            sender: the ``Grid`` class, or ``GridEvent``.
            event: what happened.
        """
        for receiver, answer in self.send_robust(sender=sender, event=event):
            if isinstance(answer, Exception):
                name = getattr(receiver, "__qualname__", repr(receiver))
                logger.error("%s failed on committed %s %s", name, event.type, event.id, exc_info=answer)

    def expects(self) -> bool:
        """Whether anybody would be told of an event now."""
        direct = self._direct
        if direct is None:
            return True
        for receiver in direct:  # noqa: SIM110 - a loop takes half the time of any(), and this is asked at each event
            if receiver.expects():
                return True
        return False

    def _sort_receivers(self) -> None:
        """Find out whether all receivers are direct."""
        with self.lock:
            found = tuple(entry[1] for entry in self.receivers)
        direct = tuple(item for item in found if isinstance(item, DirectReceiver))
        self._direct = direct if len(direct) == len(found) else None

    def _log_robust_failure(self, receiver: object, err: Exception) -> None:
        """Leave the log to ``tell_all``: Django's own entry names no event, and fails on receivers without a name."""


class MomentSignals(NamedTuple):
    """The signals of one event type.

    Attributes:
        before: before the act.
        after: after it, in its transaction.
        committed: after the commit.
    """

    before: GridSignal
    after: GridSignal
    committed: GridSignal


_MOMENTS = MappingProxyType(
    {name: MomentSignals(GridSignal(), GridSignal(), GridSignal()) for name in sorted(EVENT_TYPES)}
)

_SIGNALS = MappingProxyType(
    {(name, moment): signals[number] for name, signals in _MOMENTS.items() for number, moment in enumerate(Moment)}
)


def signal_for(event_type: str, moment: Moment | str = Moment.AFTER) -> Signal:
    """Return the signal of an event type (or alias) and moment.

    Raises:
        UnknownEventTypeError: for a type that is not in the catalogue.
        ValueError: for a moment other than before, after and committed.
    """
    return _SIGNALS[canonical_type(event_type), Moment(moment)]


def moments_of(event_type: str) -> MomentSignals:
    """Return the signals of an event type, which must be canonical, as that of every ``GridEvent`` is."""
    return _MOMENTS[event_type]


def all_signals() -> Iterator[tuple[str, Moment, Signal]]:
    """Yield event type, moment and signal of every signal there is."""
    for (name, moment), signal in _SIGNALS.items():
        yield name, moment, signal
