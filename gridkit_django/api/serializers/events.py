"""Reports of a browser on the wire."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody


class InteractionReport(RequestBody):
    """One thing that a person did. Who, when and through which door is the server's word."""

    type: str
    """An interaction type, or an alias of one."""
    payload: dict[str, Any] | None = None


class EventsRequest(RequestBody):
    """What happened, in order."""

    v: Literal[1] = 1
    events: list[InteractionReport]


class EventVerdict(ResponseBody):
    """What became of one event."""

    accepted: bool
    event_id: str | None = Field(alias="id")
    """The event's id when it was accepted."""
    code: str | None
    detail: str | None
    pointer: str | None
    """Where in the body the fault is."""


class EventsAnswer(ResponseBody):
    """One verdict for each event, in the order of the report."""

    results: list[EventVerdict]
