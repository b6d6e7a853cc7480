"""Who is acting right now, carried by a context variable through views, tasks and threads."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from gridkit_django.events.payloads import Actor
from gridkit_django.events.types import EventSource


@dataclass(frozen=True, slots=True)
class Act:
    """The circumstances of what is being done.

    Attributes:
        actor: who.
        source: through which door.
        correlation_id: the same for all that one request or task causes.
        metadata: plain facts for the audit trail, such as ``ip``, ``userAgent`` and ``requestId``.
        impersonator: who acts in the actor's name, if that is somebody else.
        reason: why, in the words of the one who acts.
        id: what the act is called in the audit trail. Its circumstances are stored once under this id and proven
            by every record, so an act with other circumstances needs another id.
        began_at: since when.
    """

    actor: Actor = field(default_factory=lambda: Actor.system("code"))
    source: EventSource = EventSource.ORM
    correlation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    metadata: tuple[tuple[str, str], ...] = ()
    impersonator: Actor | None = None
    reason: str = ""
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    began_at: datetime = field(default_factory=timezone.now)


_current: ContextVar[Act | None] = ContextVar("gridkit_act", default=None)


def current_act() -> Act:
    """Return the act under way; plain code outside requests and tasks acts as the system."""
    return _current.get() or Act()


@contextmanager
def acting(
    actor: Actor,
    source: EventSource,
    *,
    correlation_id: str | None = None,
    metadata: dict[str, str] | None = None,
    impersonator: Actor | None = None,
    reason: str = "",
) -> Iterator[Act]:
    """Say who acts for the length of the block.

    Args:
        actor: who acts.
        source: through which door.
        correlation_id: an id to go on with (a task goes on with its request's); new when None.
        metadata: plain facts for the audit trail.
        impersonator: who acts in the actor's name, if that is somebody else.
        reason: why, in the words of the one who acts.
    """
    facts = tuple((metadata or {}).items())
    act = Act(actor, source, correlation_id or str(uuid.uuid4()), facts, impersonator, reason)
    token = _current.set(act)
    try:
        yield act
    finally:
        _current.reset(token)
