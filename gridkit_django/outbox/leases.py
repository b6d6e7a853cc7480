"""Whose turn it is to send for a channel: one worker at a time, by a lease with a fence.

Each lease has a number of its own. What a worker writes about the channel's messages goes through that number, so a
worker that was only slow changes nothing after another one has taken over.
"""

from __future__ import annotations

import os
import random
import socket
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from gridkit_django.exceptions import OutboxLeaseError
from gridkit_django.models import ChannelState, OutboxChannel
from gridkit_django.outbox.channels import Carrier, Place, database

LEASE = timedelta(minutes=3)
"""Longer than one batch can take: see ``sending.Rules``, and prepare and judge of the channel."""

PAUSE_SECONDS_MAX = 3600
DEATHS_MAX = 3
"""Workers that may be lost over a channel one after the other; then somebody must look."""


def channel_row(place: Place, carrier: Carrier) -> OutboxChannel:
    """Return the channel's row, with the limits that its code asks for now; it is made when there is none."""
    limits = carrier.limits
    values = {
        "is_local": carrier.is_local,
        "batch_max": limits.batch_max,
        "bytes_max": limits.bytes_max,
        "max_age_seconds": int(limits.max_age.total_seconds()),
        "max_messages": limits.max_messages,
    }
    row, made = OutboxChannel.objects.using(database()).get_or_create(
        plugin_id=place.plugin, name=place.channel, defaults={**values, "batch_now": limits.batch_max}
    )
    if not made and any(getattr(row, name) != value for name, value in values.items()):
        if row.batch_max != limits.batch_max:
            values["batch_now"] = limits.batch_max
        OutboxChannel.objects.using(database()).filter(pk=row.pk).update(**values)
        for name, value in values.items():
            setattr(row, name, value)
    return row


def due_channels(revision: int) -> QuerySet[OutboxChannel]:
    """Return the channels that may be tried now and that no worker has.

    Args:
        revision: of the plugin; a channel that was held with another one is tried again.
    """
    now = timezone.now()
    rows = OutboxChannel.objects.using(database()).filter(paused=False)
    rows = rows.filter(~Q(state=ChannelState.HELD) | ~Q(state_revision=revision))
    rows = rows.filter(Q(next_try_at=None) | _past("next_try_at", now, timedelta(days=1)))
    return rows.filter(Q(leased_until=None) | _past("leased_until", now, LEASE))


def claim(row: OutboxChannel, revision: int) -> OutboxChannel | None:
    """Take a channel for this worker for a while; None when it is not due, or somebody else has it.

    Args:
        row: the channel.
        revision: see ``due_channels``.
    """
    due = due_channels(revision).filter(pk=row.pk)
    holder = f"{socket.gethostname()}:{os.getpid()}:{random.getrandbits(32):08x}"[-100:]
    skip = connections[database()].features.has_select_for_update_skip_locked
    with transaction.atomic(using=database()):
        seen = due.select_for_update(skip_locked=skip).first()
        if seen is None:
            return None
        values: dict[str, Any] = {"leased_until": timezone.now() + LEASE, "leased_by": holder, "fence": F("fence") + 1}
        if seen.leased_until is not None:
            values["deaths"] = F("deaths") + 1
        if not due.update(**values):
            return None
    return OutboxChannel.objects.using(database()).filter(pk=row.pk, leased_by=holder).first()


def hold_lease(row: OutboxChannel, **values: Any) -> OutboxChannel:
    """Lock the channel in the transaction under way, write values, and keep the lease; return the row of before.

    Raises:
        OutboxLeaseError: when another worker has taken the channel over.
    """
    mine = _mine(row)
    seen = mine.select_for_update().first()
    if seen is None or not mine.update(leased_until=timezone.now() + LEASE, **values):
        raise OutboxLeaseError(f"Another worker has taken the channel {row.name} over.")
    return seen


def release(row: OutboxChannel) -> None:
    """Give a channel back; whoever has taken it over meanwhile keeps it."""
    _mine(row).update(leased_until=None)


def _mine(row: OutboxChannel) -> QuerySet[OutboxChannel]:
    return OutboxChannel.objects.using(database()).filter(pk=row.pk, fence=row.fence, leased_by=row.leased_by)


def _past(name: str, now: datetime, most: timedelta) -> Q:
    """Return the condition that a moment is over; one that nobody would set so far ahead is of a clock that went back.

    Args:
        name: of the column.
        now: the time.
        most: how far ahead it is set at most; the clocks of two machines may differ as much.
    """
    return Q(**{f"{name}__lt": now}) | Q(**{f"{name}__gt": now + 2 * most})
