"""How full the outbox is: what waits in each channel, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone

from gridkit_django.models import OutboxChannel, OutboxDeadLetter, OutboxMessage
from gridkit_django.outbox.channels import Place, database


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one channel.

    Attributes:
        messages: how many.
        bytes: of their payloads.
        oldest_at: when the oldest was put; None for none.
        dead: how many dead letters there are.
    """

    messages: int = 0
    bytes: int = 0
    oldest_at: datetime | None = None
    dead: int = 0

    @property
    def age(self) -> timedelta:
        """How long the oldest has waited."""
        return max(timezone.now() - self.oldest_at, timedelta()) if self.oldest_at else timedelta()


def backlogs() -> dict[Place, Backlog]:
    """Return what waits in each channel in which something waits, or that has dead letters; two queries."""
    waiting = (
        OutboxMessage.objects.using(database())
        .order_by()
        .values_list("plugin_id", "channel")
        .annotate(number=Count("pk"), bytes=Sum("size"), oldest=Min("put_at"))
    )
    letters = OutboxDeadLetter.objects.using(database()).order_by().values_list("plugin_id", "channel")
    dead = {Place(plugin, channel): number for plugin, channel, number in letters.annotate(number=Count("pk"))}
    found = {
        Place(plugin, channel): Backlog(number, size or 0, oldest, dead.pop(Place(plugin, channel), 0))
        for plugin, channel, number, size, oldest in waiting
    }
    return {**found, **{place: Backlog(dead=number) for place, number in dead.items()}}


def with_backlog(rows: QuerySet[OutboxChannel]) -> QuerySet[OutboxChannel]:
    """Bring along what waits in each channel: ``waiting_messages``, ``waiting_bytes``, ``waiting_since``, ``dead_now``.

    Each is None where there is nothing.
    """
    waiting = _of(OutboxMessage.objects.all())
    return rows.annotate(
        waiting_messages=Subquery(waiting.annotate(found=Count("pk")).values("found")),
        waiting_bytes=Subquery(waiting.annotate(found=Sum("size")).values("found")),
        waiting_since=Subquery(waiting.annotate(found=Min("put_at")).values("found")),
        dead_now=Subquery(_of(OutboxDeadLetter.objects.all()).annotate(found=Count("pk")).values("found")),
    )


def _of(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(plugin=OuterRef("plugin"), channel=OuterRef("name")).order_by().values("plugin")
