"""A channel of the outbox as a plugin opens it: its name, its limits and its code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gridkit_django.outbox import (
    Alarm,
    ChannelLimits,
    OutgoingMessage,
    OutgoingRequest,
    OutgoingResponse,
    Place,
    Room,
    Verdict,
)
from gridkit_django.plugins.job_calls import JobStats
from gridkit_django.typing import JSONObject

PrepareHandler: TypeAlias = Callable[[tuple[OutgoingMessage, ...]], OutgoingRequest]
"""Makes the request that carries a batch. Called in a worker."""

JudgeHandler: TypeAlias = Callable[[tuple[OutgoingMessage, ...], OutgoingResponse], Verdict]
"""Says what a response means for the batch. Called in a worker."""

DeliverHandler: TypeAlias = Callable[[tuple[OutgoingMessage, ...]], None]
"""Takes a batch that stays in the house. Called in a worker, in the transaction that removes the messages."""


@dataclass(frozen=True, slots=True)
class RegisteredChannel:
    """One channel that a plugin opens.

    Attributes:
        name: unique in the plugin.
        limits: how much it holds and sends at once.
        prepare: makes requests; None for a local channel.
        judge: judges responses; None for by the status alone.
        deliver: takes the messages of a local channel.
    """

    name: str
    limits: ChannelLimits
    prepare: PrepareHandler | None = None
    judge: JudgeHandler | None = None
    deliver: DeliverHandler | None = None


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class OpenChannel:
    """A channel that a plugin has opened in this process.

    Attributes:
        channel: its name, limits and code.
        stats: counts the calls of its code.
        alarm: wakes a worker for it.
        room: how many messages it still takes.
        place: where its messages lie.
    """

    channel: RegisteredChannel
    stats: JobStats
    alarm: Alarm
    room: Room
    place: Place


NewBatch: TypeAlias = tuple[Sequence[JSONObject], Sequence[str | None] | None]
"""Payloads for one channel, and the key of each; None for keys that are made up."""
