"""What an administrator does to a channel, and to dead letters. Recording it is the caller's."""

from __future__ import annotations

import logging
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from gridkit_django.models import ChannelState, OutboxChannel, OutboxDeadLetter, OutboxMessage
from gridkit_django.outbox.channels import database
from gridkit_django.outbox.queue import outbox_queue

logger = logging.getLogger("gridkit_django.outbox")

_AT_ONCE = 500


def pause(row: OutboxChannel) -> bool:
    """Send nothing for now; a batch that is on its way ends first. False when it is paused already."""
    return bool(_rows(row).filter(paused=False).update(paused=True))


def resume(row: OutboxChannel) -> bool:
    """Go on, also where the channel is held or waits; a worker is woken. False when there was nothing to resume."""
    unlike = _rows(row).exclude(paused=False, state=ChannelState.READY, next_try_at=None)
    changed = unlike.update(
        paused=False,
        state=ChannelState.READY,
        state_code="",
        state_reason="",
        state_response="",
        failures=0,
        deaths=0,
        dead_in_row=0,
        next_try_at=None,
    )
    wake(row.plugin.plugin_id, row.name)
    return bool(changed)


def wake(plugin_id: str, channel: str) -> None:
    """Let a worker come to a channel after the transaction under way."""
    transaction.on_commit(partial(_wake, plugin_id, channel), using=database())


def replay(letters: QuerySet[OutboxDeadLetter]) -> int:
    """Put dead letters back into their channels, behind what waits there, under the same keys; return how many."""
    gone = 0
    with transaction.atomic(using=database()):
        for chunk in _chunks(letters):
            OutboxMessage.objects.using(database()).bulk_create(
                OutboxMessage(
                    plugin_id=letter.plugin_id,
                    channel=letter.channel,
                    key=letter.key,
                    payload=letter.payload,
                    size=letter.size,
                    put_at=timezone.now(),
                )
                for letter in chunk
            )
            gone += _delete(chunk)
            for plugin_id, channel in sorted({(letter.plugin.plugin_id, letter.channel) for letter in chunk}):
                wake(plugin_id, channel)
    return gone


def discard(letters: QuerySet[OutboxDeadLetter]) -> int:
    """Delete dead letters; return how many."""
    with transaction.atomic(using=database()):
        return sum(_delete(chunk) for chunk in _chunks(letters))


def _chunks(letters: QuerySet[OutboxDeadLetter]) -> list[list[OutboxDeadLetter]]:
    """Return dead letters, oldest first and locked, so that nobody else replays them, too."""
    keys = list(letters.using(database()).order_by("pk").values_list("pk", flat=True))
    rows = OutboxDeadLetter.objects.using(database()).select_for_update(of=("self",)).select_related("plugin")
    return [
        list(rows.filter(pk__in=keys[start : start + _AT_ONCE]).order_by("pk"))
        for start in range(0, len(keys), _AT_ONCE)
    ]


def _delete(chunk: list[OutboxDeadLetter]) -> int:
    rows = OutboxDeadLetter.objects.using(database())
    return rows.filter(pk__in=[letter.pk for letter in chunk]).delete()[0]


def _rows(row: OutboxChannel) -> QuerySet[OutboxChannel]:
    return OutboxChannel.objects.using(database()).filter(pk=row.pk)


def _wake(plugin_id: str, channel: str) -> None:
    try:
        outbox_queue().enqueue_outbox(plugin_id, channel)
    except Exception as error:  # noqa: BLE001 - whatever the queue's client raises; beat finds the messages
        logger.warning("No worker could be woken for the channel %s of %s: %s", channel, plugin_id, error)
