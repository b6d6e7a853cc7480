"""One ``django.dispatch.Signal`` for each event type and moment.

A Django receiver can listen without knowing anything about plugins::

    from gridkit_django.events import Moment, signal_for

    @receiver(signal_for("row:update", Moment.AFTER))
    def recalculate(sender, event, **kwargs): ...

Receivers get ``sender`` (the ``Grid`` class, or ``GridEvent`` for events of no grid) and ``event``. What they raise
in ``before`` and ``after`` undoes the act; after ``committed`` it is logged.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from django.dispatch import Signal

from gridkit_django.events.types import EVENT_TYPES, Moment, canonical_type


class GridSignal(Signal):
    """A signal whose failed receivers are logged by the bus, with the event they failed on."""

    def _log_robust_failure(self, receiver: object, err: Exception) -> None:
        """Leave the log to the bus: Django's own entry names no event, and fails on receivers without a name."""


_SIGNALS = MappingProxyType({(name, moment): GridSignal() for name in sorted(EVENT_TYPES) for moment in Moment})


def signal_for(event_type: str, moment: Moment | str = Moment.AFTER) -> Signal:
    """Return the signal of an event type (or alias) and moment.

    Raises:
        UnknownEventTypeError: for a type that is not in the catalogue.
        ValueError: for a moment other than before, after and committed.
    """
    return _SIGNALS[canonical_type(event_type), Moment(moment)]


def all_signals() -> Iterator[tuple[str, Moment, Signal]]:
    """Yield event type, moment and signal of every signal there is."""
    for (name, moment), signal in _SIGNALS.items():
        yield name, moment, signal
