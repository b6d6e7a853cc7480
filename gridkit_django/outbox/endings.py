"""How a batch ends: delivered messages go, refused ones become dead letters, in one transaction with the figures."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from gridkit_django.models import ChannelState, OutboxChannel, OutboxDeadLetter, OutboxMessage
from gridkit_django.outbox.channels import database
from gridkit_django.outbox.figures import Tally, add_to_hour
from gridkit_django.outbox.leases import PAUSE_SECONDS_MAX, hold_lease
from gridkit_django.outbox.waiting import Waiting, delete_messages, place_of

TRIES_MAX = 20
"""How often a single message may be handed back before it becomes a dead letter."""

_REASON_LENGTH = 1000
RESPONSE_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message becomes a dead letter.

    Attributes:
        reason: for people, with nothing of the message in it.
        status: of the last response; None when there was none.
        response: its body as text, or what the plugin's code raised; without secrets, but it may repeat the message.
    """

    reason: str
    status: int | None = None
    response: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of the messages of a batch. Messages that are not named here stay as they are.

    Attributes:
        delivered: the other side has them.
        again: to be tried again, each in how many seconds.
        refused: why each becomes a dead letter.
        expired: waited too long.
        values: what else is written on the channel.
    """

    delivered: Sequence[Waiting] = ()
    again: Sequence[tuple[Waiting, float]] = ()
    refused: Sequence[tuple[Waiting, Refusal]] = ()
    expired: Sequence[Waiting] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


def end_batch(row: OutboxChannel, ending: Ending) -> OutboxChannel:
    """Write down what became of a batch, if the lease still holds; return the channel's row.

    Raises:
        OutboxLeaseError: when another worker has taken the channel over; nothing is written then.
    """
    with transaction.atomic(using=database()):
        return end_batch_here(row, ending)


def end_batch_here(row: OutboxChannel, ending: Ending) -> OutboxChannel:
    """Do what ``end_batch`` does, in the transaction under way."""
    given_up = [(item, _worn_out(item)) for item, _ in ending.again if item.attempts + 1 >= TRIES_MAX]
    again = [(item, seconds) for item, seconds in ending.again if item.attempts + 1 < TRIES_MAX]
    refused = [*ending.refused, *given_up]
    tally = Tally(delivered=len(ending.delivered), again=len(again), dead=len(refused), expired=len(ending.expired))
    seen = hold_lease(row, **tally.sums(), **_progress(tally), **ending.values)
    _bury(row, refused)
    delete_messages([item.pk for item in (*ending.delivered, *ending.expired, *(item for item, _ in refused))])
    _put_off(again)
    add_to_hour(place_of(row), tally)
    return seen


def back_off(failures: int, at_least: float | None = None) -> float:
    """Return how many seconds to wait after so many failures in a row: twice as long each time, with some chance.

    Args:
        failures: in a row.
        at_least: what the server asked for, in seconds.
    """
    pause = min(2.0 ** min(failures, 12), PAUSE_SECONDS_MAX) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    return pause if at_least is None else max(pause, at_least * random.uniform(1.0, 1.1))  # noqa: S311 - no secret


def cut_reason(text: str) -> str:
    """Return a reason as long as one is stored."""
    return text.replace("\x00", "")[:_REASON_LENGTH]


def cut_response(text: str) -> str:
    """Return a response as long as one is stored."""
    return text.replace("\x00", "")[:RESPONSE_LENGTH]


def _progress(tally: Tally) -> dict[str, Any]:
    """Return what a batch that was judged says about the health of the channel."""
    if tally.delivered:
        return {
            "state": ChannelState.READY, "state_code": "", "state_reason": "", "state_response": "", "failures": 0,
            "deaths": 0, "next_try_at": None, "last_success_at": timezone.now(), "dead_in_row": 0,
        }  # fmt: skip
    return {"deaths": 0, "dead_in_row": F("dead_in_row") + tally.dead} if tally.dead else {}


def _worn_out(item: Waiting) -> Refusal:
    return Refusal(f"It was handed back {item.attempts + 1} times, the most that may.")


def _bury(row: OutboxChannel, refused: Sequence[tuple[Waiting, Refusal]]) -> None:
    now = timezone.now()
    letters = [
        OutboxDeadLetter(
            plugin_id=row.plugin_id,
            channel=row.name,
            key=item.key,
            payload=item.payload,
            size=item.size,
            put_at=item.put_at,
            attempts=item.attempts + 1,
            died_at=now,
            reason=cut_reason(why.reason),
            status=why.status,
            response=cut_response(why.response),
        )
        for item, why in refused
    ]
    OutboxDeadLetter.objects.using(database()).bulk_create(letters, batch_size=500)


def _put_off(again: Sequence[tuple[Waiting, float]]) -> None:
    now = timezone.now()
    rows = [
        OutboxMessage(
            pk=item.pk,
            attempts=item.attempts + 1,
            due_at=now + timedelta(seconds=back_off(item.attempts + 1, seconds)),
        )
        for item, seconds in again
    ]
    OutboxMessage.objects.using(database()).bulk_update(rows, ["attempts", "due_at"], batch_size=200)
