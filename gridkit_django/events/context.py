"""Who is acting right now, carried by a context variable through views, tasks and threads."""

from __future__ import annotations

import functools
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ParamSpec, TypeAlias, TypeVar

from django.utils import timezone

from gridkit_django.events.payloads import Actor
from gridkit_django.events.types import EventSource
from gridkit_django.events.visits import NO_VISIT, Visit

P = ParamSpec("P")
R = TypeVar("R")

REASON_LENGTH_MAX = 1000
"""Characters of a reason at most."""


def time_ordered_id() -> uuid.UUID:
    """Return a new id that sorts by its time (RFC 9562, version 7): an index over such ids grows at its end only."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF000 << 64)) | (0x7000 << 64)
    return uuid.UUID(int=(value & ~(0xC000 << 48)) | (0x8000 << 48))


def random_id() -> str:
    """Return a new random id as text (RFC 9562, version 4), by a shorter way than ``str(uuid.uuid4())``."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


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
        visit: which session of which browser asked for it; no part of the audit trail.
    """

    actor: Actor = field(default_factory=lambda: Actor.system("code"))
    source: EventSource = EventSource.ORM
    correlation_id: str = field(default_factory=random_id)
    metadata: tuple[tuple[str, str], ...] = ()
    impersonator: Actor | None = None
    reason: str = ""
    id: uuid.UUID = field(default_factory=time_ordered_id)
    began_at: datetime = field(default_factory=timezone.now)
    visit: Visit = NO_VISIT


PendingAct: TypeAlias = Callable[[], Act]
"""Tells the act when it is asked: who acts in a request is known only once somebody has authenticated."""

_current: ContextVar[Act | PendingAct | None] = ContextVar("gridkit_act", default=None)


def current_act() -> Act:
    """Return the act under way; plain code outside requests, tasks and commands acts as the system."""
    return held_act() or Act()


def held_act() -> Act | None:
    """Return the act under way, or None outside of every act."""
    held = _current.get()
    return held if held is None or isinstance(held, Act) else held()


@contextmanager
def acting(
    actor: Actor,
    source: EventSource,
    *,
    correlation_id: str | None = None,
    metadata: dict[str, str] | None = None,
    impersonator: Actor | None = None,
    reason: str = "",
    visit: Visit = NO_VISIT,
) -> Iterator[Act]:
    """Say who acts for the length of the block.

    Args:
        actor: who acts.
        source: through which door.
        correlation_id: an id to go on with (a task goes on with its request's); new when None.
        metadata: plain facts for the audit trail.
        impersonator: who acts in the actor's name, if that is somebody else.
        reason: why, in the words of the one who acts.
        visit: which session of which browser asks for it.
    """
    facts = tuple(metadata.items()) if metadata else ()
    act = Act(actor, source, correlation_id or random_id(), facts, impersonator, reason, visit=visit)
    # As ``holding`` does: this is entered for each act, and a second block within costs as long again.
    before = swap_act(act)
    try:
        yield act
    finally:
        swap_act(before)


@contextmanager
def explaining(reason: str) -> Iterator[None]:
    """Say why things are done for the length of the block; who does them stays as it is.

    What is done for a reason of its own is an act of its own in the audit trail, under the same correlation id.

    Args:
        reason: why, in the words of the one who acts; empty leaves everything as it is.
    """
    if not reason:
        yield
        return
    outer = _current.get() or Act()
    ids: dict[uuid.UUID, uuid.UUID] = {}

    def told() -> Act:
        act = outer if isinstance(outer, Act) else outer()
        return replace(act, reason=reason, id=ids.setdefault(act.id, time_ordered_id()))

    with holding(told):
        yield


@contextmanager
def holding(act: Act | PendingAct | None) -> Iterator[None]:
    """Let an act be the one under way for the length of the block; None for no act at all.

    The one before it is put back by name and not by token: a generator may end in another context than it began in.
    """
    before = swap_act(act)
    try:
        yield
    finally:
        swap_act(before)


def swap_act(act: Act | PendingAct | None) -> Act | PendingAct | None:
    """Let an act be the one under way, and return the one before it: for signals, which can't make a block."""
    before = _current.get()
    _current.set(act)
    return before


def carry_act(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that acts as its maker, in whichever thread it is called.

    A new thread begins with no act, so what it writes would be the system's. Hand threads and pools their work like
    this: ``pool.submit(carry_act(work), row)``.

    Args:
        function: what is to be called in another thread.
    """
    held = _current.get()

    @functools.wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        with holding(held):
            return function(*args, **kwargs)

    return carried


def carry_parts(parts: Iterable[R], act: Act | PendingAct | None = None) -> Iterator[R]:
    """Yield what an iterable yields, each made by its maker: the parts of a streamed answer are made after the view.

    Args:
        parts: what is made bit by bit.
        act: who makes them; None for whoever acts now.
    """
    return _carried_parts(iter(parts), act or _current.get())


def _carried_parts(parts: Iterator[R], act: Act | PendingAct | None) -> Iterator[R]:
    try:
        while True:
            with holding(act):
                try:
                    part = next(parts)
                except StopIteration:
                    return
            yield part
    finally:
        with holding(act):
            close = getattr(parts, "close", None)
            if close is not None:
                close()
