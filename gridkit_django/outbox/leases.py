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
from django.db.models import Case, F, Q, QuerySet, When
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import OutboxLeaseError
from gridkit_django.models import ChannelState, OutboxChannel
from gridkit_django.outbox.channels import Carrier, Place, database

LEASE_LEAST = timedelta(minutes=3)
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
    return rows.filter(Q(leased_until=None) | _past("leased_until", now, lease_time()))


def claim(row: OutboxChannel, revision: int) -> OutboxChannel | None:
    """Take a channel for this worker for a while; None when it is not due, or somebody else has it.

    Args:
        row: the channel.
        revision: see ``due_channels``.
    """
    due = due_channels(revision).filter(pk=row.pk)
    holder = f"{socket.gethostname()}:{os.getpid()}:{random.getrandbits(32):08x}"[-100:]
    with transaction.atomic(using=database()):
        if _is_locked(due):
            return None
        died = Case(When(leased_until=None, then=F("deaths")), default=F("deaths") + 1)
        if not due.update(leased_until=_until(), leased_by=holder, fence=F("fence") + 1, deaths=died):
            return None
    return OutboxChannel.objects.using(database()).filter(pk=row.pk, leased_by=holder).first()


def hold_lease(row: OutboxChannel, **values: Any) -> OutboxChannel:
    """Write values on the channel in the transaction under way, keep the lease, and return the row as it is then.

    The row stays locked until that transaction ends.

    Raises:
        OutboxLeaseError: when another worker has taken the channel over.
    """
    mine = _mine(row)
    seen = mine.first() if mine.update(leased_until=_until(), **values) else None
    if seen is None:
        raise OutboxLeaseError(f"Another worker has taken the channel {row.name} over.")
    return seen


def release(row: OutboxChannel) -> None:
    """Give a channel back; whoever has taken it over meanwhile keeps it."""
    _mine(row).update(leased_until=None)


def lease_time() -> timedelta:
    """Return for how long a channel belongs to its worker: longer than one request can take, see ``sending``."""
    limits = settings()
    longest = timedelta(seconds=limits.OUTBOX_CONNECT_SECONDS + 2 * limits.OUTBOX_READ_SECONDS)
    return max(LEASE_LEAST, 2 * longest)


def _until() -> datetime:
    return timezone.now() + lease_time()


def _is_locked(due: QuerySet[OutboxChannel]) -> bool:
    """Whether somebody else writes the row just now, or it is not due: then it is left to them, not waited for."""
    if not connections[database()].features.has_select_for_update_skip_locked:
        return False  # the UPDATE to come is the first statement, and locks the database as a whole
    return due.select_for_update(skip_locked=True).values_list("pk", flat=True).first() is None


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
