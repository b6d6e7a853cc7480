"""Messages that wait, read without an object of their model: a worker reads thousands at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connections
from django.db.models import Q
from django.utils import timezone

from gridkit_django.models import OutboxChannel, OutboxMessage
from gridkit_django.outbox.channels import Place, database
from gridkit_django.outbox.messages import OutgoingMessage

_AT_ONCE = 500
_DELETE = f'DELETE FROM "{OutboxMessage._meta.db_table}" WHERE id = ANY(%s)'  # noqa: S608 - a table of ours


class Waiting(NamedTuple):
    """One message as it is stored.

    Attributes:
        pk: its primary key, which is its place in the order.
        key: the deduplication id.
        payload: JSON text.
        size: its bytes.
        put_at: when it was put.
        attempts: how often it was tried alone without success.
    """

    pk: int
    key: str
    payload: str
    size: int
    put_at: datetime
    attempts: int


def due_messages(row: OutboxChannel, most: int) -> list[Waiting]:
    """Return the oldest messages of a channel that are due.

    Args:
        row: the channel.
        most: how many at most.
    """
    due = Q(due_at=None) | Q(due_at__lte=timezone.now())
    return _read(row, due, most)


def old_messages(row: OutboxChannel, most: int) -> list[Waiting]:
    """Return the oldest messages of a channel that have waited too long."""
    return _read(row, Q(put_at__lt=timezone.now() - timedelta(seconds=row.max_age_seconds)), most)


def outgoing(batch: Sequence[Waiting]) -> tuple[OutgoingMessage, ...]:
    """Return messages as the code of their channel sees them."""
    payloads = json.loads(f"[{','.join([item.payload for item in batch])}]")
    return tuple(
        OutgoingMessage(item.key, payload, item.put_at, item.attempts)
        for item, payload in zip(batch, payloads, strict=True)
    )


def delete_messages(keys: Sequence[int]) -> None:
    """Remove messages, in the transaction under way."""
    connection = connections[database()]
    if connection.vendor == "postgresql":
        if keys:
            with connection.cursor() as cursor:
                cursor.execute(_DELETE, [list(keys)])
        return
    rows = OutboxMessage.objects.using(database())
    for start in range(0, len(keys), _AT_ONCE):
        rows.filter(pk__in=keys[start : start + _AT_ONCE]).delete()


def place_of(row: OutboxChannel) -> Place:
    """Return where the messages of a channel lie."""
    return Place(row.plugin_id, row.name)


def _read(row: OutboxChannel, condition: Q, most: int) -> list[Waiting]:
    rows = OutboxMessage.objects.using(database()).filter(condition, plugin_id=row.plugin_id, channel=row.name)
    return [Waiting(*found) for found in rows.order_by("pk").values_list(*Waiting._fields)[:most]]
