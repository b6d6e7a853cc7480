"""Looking after all channels: which are due, and what waits too long in those that nobody sends for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from gridkit_django.models import OutboxChannel, OutboxMessage
from gridkit_django.outbox.channels import ChannelLimits, Place, database
from gridkit_django.outbox.figures import Tally, add_to_channel, add_to_hour, thin_hours
from gridkit_django.outbox.leases import due_channels

_AT_ONCE = 1000


def due_places(revisions: Mapping[Place, int]) -> list[Place]:
    """Return the channels that a worker should have now: something in them is due, and so are they.

    Args:
        revisions: the channels whose code is at work in this process, and the revision of their plugin.
    """
    now = timezone.now()
    rows = OutboxMessage.objects.using(database()).filter(Q(due_at=None) | Q(due_at__lte=now))
    waiting = {Place(*found) for found in rows.order_by().values_list("plugin_id", "channel").distinct()}
    known = {Place(*found) for found in OutboxChannel.objects.using(database()).values_list("plugin_id", "name")}
    return [
        place
        for place, revision in revisions.items()
        if place in waiting and (place not in known or _is_due(place, revision))
    ]


def expire_waiting() -> int:
    """Remove what waited too long, also where nobody sends: the plugin is not at work, or the channel is paused.

    Returns:
        How many messages went.
    """
    rows = OutboxMessage.objects.using(database())
    ages = {
        Place(plugin, name): timedelta(seconds=seconds)
        for plugin, name, seconds in OutboxChannel.objects.using(database()).values_list(
            "plugin_id", "name", "max_age_seconds"
        )
    }
    oldest = rows.order_by().values_list("plugin_id", "channel").distinct()
    return sum(_expire(Place(*found), ages.get(Place(*found), ChannelLimits().max_age)) for found in oldest)


def keep_figures() -> int:
    """Delete figures that are older than they are kept; return how many rows."""
    return thin_hours()


def store_dropped(place: Place, dropped: int) -> None:
    """Count messages that found their channel full."""
    with transaction.atomic(using=database()):
        add_to_channel(place, Tally(dropped=dropped))
        add_to_hour(place, Tally(dropped=dropped))


def _is_due(place: Place, revision: int) -> bool:
    return due_channels(revision).filter(plugin_id=place.plugin, name=place.channel).exists()


def _expire(place: Place, age: timedelta) -> int:
    gone = 0
    rows = OutboxMessage.objects.using(database()).filter(plugin_id=place.plugin, channel=place.channel)
    old = rows.filter(put_at__lt=timezone.now() - age).order_by("pk")
    while found := list(old.values_list("pk", flat=True)[:_AT_ONCE]):
        gone += _remove(place, found)
    return gone


def _remove(place: Place, keys: Iterable[int]) -> int:
    with transaction.atomic(using=database()):
        number = OutboxMessage.objects.using(database()).filter(pk__in=keys).delete()[0]
        tally = Tally(expired=number)
        add_to_channel(place, tally)
        add_to_hour(place, tally)
    return number
