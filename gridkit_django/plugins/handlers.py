"""``@handles`` marks a method of a plugin as an event handler. It only marks; the runtime connects and disconnects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from gridkit_django.events import GridEvent, Moment, Priority, matching_types

EventHandler = Callable[[GridEvent], None]
"""What is called with an event. What it returns is ignored."""

_MARKS = "__gridkit_handles__"
_Method = TypeVar("_Method", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class HandlerMark:
    """One wish to be called.

    Attributes:
        pattern: an event type, an alias, ``row:*`` or ``*``.
        moment: when, seen from the act.
        priority: in which order among the handlers of the same moment.
        critical: whether the act fails when the handler does; needs the permission ``audit:write``.
    """

    pattern: str
    moment: Moment = Moment.AFTER
    priority: Priority = Priority.NORMAL
    critical: bool = False

    def __post_init__(self) -> None:
        """Check the pattern, so that a subscription which can never fire is found at once.

        Raises:
            UnknownEventTypeError: when no event type matches.
        """
        matching_types(self.pattern)

    @property
    def event_types(self) -> frozenset[str]:
        """All event types that the pattern covers."""
        return matching_types(self.pattern)


def handles(
    *patterns: str,
    moment: Moment | str = Moment.AFTER,
    priority: Priority | str = Priority.NORMAL,
    critical: bool = False,
) -> Callable[[_Method], _Method]:
    """Mark a method of a ``Plugin`` as a handler of the events that ``patterns`` cover.

    Args:
        patterns: event types, aliases, ``row:*`` or ``*``.
        moment: ``before`` (may raise ``EventRejected`` to veto), ``after`` (in the act's transaction) or ``committed``
            (after the commit; the only place for effects outside the database).
        priority: ``immediate``, ``high``, ``normal`` or ``low``.
        critical: let the act fail when this handler fails, so that both stand or fall together. Only for ``after``,
            and only with the permission ``audit:write``.

    Raises:
        UnknownEventTypeError: when a pattern matches no event type.
        ValueError: for an unknown moment or priority, no pattern, or ``critical`` with another moment than ``after``.
    """
    if not patterns:
        raise ValueError("handles() needs at least one event type, for example @handles('row:update').")
    marks = tuple(checked_mark(pattern, moment, priority, critical=critical) for pattern in patterns)

    def mark(method: _Method) -> _Method:
        setattr(method, _MARKS, (*getattr(method, _MARKS, ()), *marks))
        return method

    return mark


def checked_mark(
    pattern: str, moment: Moment | str, priority: Priority | str, *, critical: bool = False
) -> HandlerMark:
    """Make a mark from what an author wrote.

    Raises:
        UnknownEventTypeError: when the pattern matches no event type.
        ValueError: for an unknown moment or priority, or ``critical`` with another moment than ``after``.
    """
    if critical and Moment(moment) is not Moment.AFTER:
        raise ValueError(
            "Only a handler of the moment 'after' can be critical: before and committed can't undo an act."
        )
    return HandlerMark(pattern, Moment(moment), Priority(priority), critical)


def marked_handlers(plugin: object) -> Iterator[tuple[HandlerMark, EventHandler]]:
    """Yield each mark of a plugin with its bound method, in the order of the names; evaluates no property."""
    members: dict[str, object] = {}
    for part in reversed(type(plugin).__mro__):
        members.update(vars(part))
    for name in sorted(members):
        for mark in getattr(members[name], _MARKS, ()):
            yield mark, getattr(plugin, name)
