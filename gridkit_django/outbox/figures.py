"""Counting what became of messages: for good on the channel, and by the hour for charts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from gridkit_django.models import OutboxChannel, OutboxHour
from gridkit_django.outbox.channels import Place, database

HOURS_KEPT = 31 * 24


@dataclass(frozen=True, slots=True)
class Tally:
    """How many messages came to which end.

    Attributes:
        delivered: the other side has them.
        again: to be tried again, one for each try.
        dead: became dead letters.
        expired: waited too long.
        dropped: found the channel full.
    """

    delivered: int = 0
    again: int = 0
    dead: int = 0
    expired: int = 0
    dropped: int = 0

    def sums(self) -> dict[str, Any]:
        """Return what adds the tally to a row, as values of an UPDATE."""
        return {name: F(name) + getattr(self, name) for name in NAMES if getattr(self, name)}


NAMES = tuple(item.name for item in fields(Tally))


def add_to_hour(place: Place, tally: Tally) -> None:
    """Add a tally to the hour that it is. In a transaction that the caller has opened."""
    if tally == Tally():
        return
    hour = this_hour()
    rows = OutboxHour.objects.using(database()).filter(plugin_id=place.plugin, channel=place.channel, hour=hour)
    if not rows.update(**tally.sums()):
        row = OutboxHour(plugin_id=place.plugin, channel=place.channel, hour=hour)
        OutboxHour.objects.using(database()).bulk_create([row], ignore_conflicts=True)
        rows.update(**tally.sums())


def add_to_channel(place: Place, tally: Tally) -> None:
    """Add a tally to the channel, by whoever holds no lease on it."""
    rows = OutboxChannel.objects.using(database()).filter(plugin_id=place.plugin, name=place.channel)
    rows.update(**tally.sums())


def this_hour() -> datetime:
    """Return when the hour began that it is."""
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def thin_hours() -> int:
    """Delete what is older than a month; return how many rows."""
    old = OutboxHour.objects.using(database()).filter(hour__lt=timezone.now() - timedelta(hours=HOURS_KEPT))
    return old.delete()[0]
