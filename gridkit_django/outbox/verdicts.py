"""What a response means for the messages of a batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from gridkit_django.outbox.messages import OutgoingMessage, OutgoingResponse
from gridkit_django.outbox.retry_after import retry_after

_NOTHING: Mapping[int, str] = MappingProxyType({})
_LATER = frozenset({408, 425, 429})
_HOLD = frozenset({401, 403})
_TOO_LARGE = 413


class Fate(StrEnum):
    """What becomes of a batch."""

    TAKEN = "taken"
    """The server has judged it: delivered, but for the messages that are named."""
    LATER = "later"
    """The same again, when the channel is tried next."""
    HOLD = "hold"
    """The channel waits for a person."""
    SPLIT = "split"
    """One of the messages is bad: halves of the batch are tried until it is found."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the messages of a batch. Make one by its class methods.

    Attributes:
        fate: of the batch.
        reason: why, for people.
        after: for ``later``, how many seconds to wait at least.
        again: of a batch that was taken, the messages to try again by index, and in how many seconds; 0 for as soon as
            the channel's own back-off lets them.
        refused: of a batch that was taken, the messages that became dead letters by index, and why.
        left: of a batch that was taken, the messages that the request did not carry, by index: they stay as they are.
        smaller: for ``split``, whether batches are to be smaller from now on.
    """

    fate: Fate
    reason: str = ""
    after: float | None = None
    again: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    refused: Mapping[int, str] = field(default_factory=lambda: _NOTHING)
    left: frozenset[int] = frozenset()
    smaller: bool = False

    @classmethod
    def delivered(
        cls,
        *,
        again: Mapping[int, float] | None = None,
        refused: Mapping[int, str] | None = None,
        left: Collection[int] = (),
        reason: str = "",
    ) -> Verdict:
        """The server has the messages, but for those that are named by their index in the batch.

        Args:
            again: to try again, and in how many seconds; 0 for soon. One that is tried too often becomes a dead letter.
            refused: never to try again, and why: dead letters.
            left: what the request did not carry, because the server takes requests of one kind only, or what it did not
                take because of those that are refused or tried again: sent with the next batches, as if nothing had
                been. Something of the batch must be named otherwise or delivered.
            reason: why some are tried again, for people.
        """
        named = frozenset(left) - {*(again or {}), *(refused or {})}
        return cls(Fate.TAKEN, reason, again=dict(again or {}), refused=dict(refused or {}), left=named)

    @classmethod
    def later(cls, reason: str, after: float | None = None) -> Verdict:
        """Nothing was taken; try the channel again, in ``after`` seconds at least, later each time."""
        return cls(Fate.LATER, reason, after=after)

    @classmethod
    def hold(cls, reason: str) -> Verdict:
        """Nothing was taken, and nothing would be: the channel waits until a person has put something right."""
        return cls(Fate.HOLD, reason)

    @classmethod
    def split(cls, reason: str) -> Verdict:
        """Nothing was taken, because of one message: find it. Alone and refused, it becomes a dead letter."""
        return cls(Fate.SPLIT, reason)

    @classmethod
    def halve(cls, reason: str) -> Verdict:
        """Nothing was taken, because the batch is too large: send smaller ones."""
        return cls(Fate.SPLIT, reason, smaller=True)


def default_judge(messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
    """Judge by the status alone: what a channel without a judge of its own does.

    2xx is delivered; 408, 425, 429 and 5xx later (``Retry-After`` is honoured); 413 half as much at once; 401 and 403
    hold the channel, and so does a redirect; every other 4xx lets the bad message be found.

    Args:
        messages: the batch.
        response: what the server answered.
    """
    status = response.status
    told = f"The server answered {status}."
    if 200 <= status < 300:
        return Verdict.delivered()
    if status in _LATER or status >= 500:
        return Verdict.later(told, retry_after(response.headers.get("retry-after", "")))
    if status == _TOO_LARGE:
        return Verdict.halve(told)
    if status in _HOLD or status < 400:
        return Verdict.hold(told)
    return Verdict.split(told)
