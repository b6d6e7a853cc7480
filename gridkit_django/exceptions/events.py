"""Errors about events."""

from __future__ import annotations

from gridkit_django.exceptions.base import GridKitError

__all__ = ["EventError", "EventOriginError", "EventRejected", "UnknownEventTypeError"]


class EventError(GridKitError):
    """Something about an event is wrong."""

    code = "event-invalid"


class UnknownEventTypeError(EventError):
    """The name is no event type, no alias and no pattern."""

    code = "event-type-unknown"


class EventOriginError(EventError):
    """This sender may not make this type of event: row and cell facts come from the server only."""

    code = "event-origin-forbidden"


class EventRejected(EventError):  # noqa: N818 - a refusal, named for what a handler says
    """Raise this in a ``before`` handler to veto the act; the detail is shown to the person."""

    code = "event-rejected"
