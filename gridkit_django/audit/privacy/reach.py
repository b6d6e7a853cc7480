"""What the keys of a subject hold together: the records that would be closed for ever, and the holds that forbid it.

No index leads from a key to its records: it would cost every write, and the question is asked a few times a year. So
the trail is walked from its newest record back to when the first of the keys was made, a stretch at a time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from gridkit_django.audit.privacy.subjects import Subject
from gridkit_django.audit.retention.holds import holds_over
from gridkit_django.models import AuditHold, AuditRecord, AuditSubjectKey
from gridkit_django.models.append_only import AppendOnlyQuerySet

STRETCH = 50_000
"""Ids that one statement looks through."""

TOLD = Cast("changes", TextField())
"""The changes of a record as text."""

_SAMPLE = 500
_CROWD = 1000
_CLOCKS = timedelta(days=1)
"""How far the clocks of a site may be apart: no record is older than the key of its values, but for that."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What is encrypted with the keys of a subject.

    Attributes:
        keys: its keys, destroyed ones included, the newest first.
        records: how many records hold a value that was encrypted with one of them.
        by_type: type of the target to how many of them.
        first, last: when the oldest and the newest of them was written.
        sample: ids of the newest of them.
        is_complete: whether the whole trail was looked through; otherwise there are at least as many.
        holds: legal holds that keep one of them: while these stand, no key may be destroyed.
    """

    keys: tuple[AuditSubjectKey, ...]
    records: int
    by_type: Mapping[str, int]
    first: datetime | None
    last: datetime | None
    sample: tuple[int, ...]
    is_complete: bool
    holds: tuple[AuditHold, ...]

    @property
    def open_keys(self) -> tuple[AuditSubjectKey, ...]:
        """The keys that can still be destroyed."""
        return tuple(key for key in self.keys if key.erased_at is None)


def keys_of(subject: Subject, using: str) -> tuple[AuditSubjectKey, ...]:
    """Return all keys that a subject has or had, the newest first.

    Args:
        subject: whose.
        using: alias of the database of the records.
    """
    return tuple(AuditSubjectKey.objects.using(using).filter(subject__in=subject.names()).order_by("-created_at", "pk"))


def reach_of(subject: Subject, *, using: str = "default", seconds: float | None = None) -> Reach:
    """Return what is encrypted with the keys of a subject.

    Args:
        subject: whose keys.
        using: alias of the database of the records.
        seconds: begin no further stretch of the trail after this; None looks through all of it.
    """
    keys = keys_of(subject, using)
    counted: Counter[str] = Counter()
    moments: list[datetime] = []
    sample: list[int] = []
    ended, is_complete = time.monotonic() + (seconds or 0), True
    for found in _stretches(keys, using):
        counted.update(kind for _, kind, _ in found)
        times = [moment for _, _, moment in found]
        moments = [min([*moments, *times]), max([*moments, *times])] if times else moments
        sample += [pk for pk, _, _ in found][: _SAMPLE - len(sample)]
        if seconds is not None and time.monotonic() > ended:
            is_complete = False
            break
    first, last = (moments[0], moments[-1]) if moments else (None, None)
    holds = holds_on([key.pk for key in keys if key.erased_at is None], using)
    return Reach(keys, counted.total(), dict(counted), first, last, tuple(sample), is_complete, holds)


def holds_on(keys: Iterable[UUID], using: str) -> tuple[AuditHold, ...]:
    """Return the standing holds that keep a record with a value of one of these keys.

    Args:
        keys: ids of keys.
        using: alias of the database of the records.
    """
    wanted = tuple(keys)
    if not wanted:
        return ()
    records = closed_by(wanted, using)
    return tuple(hold for hold, condition in holds_over(using) if records.filter(condition).exists())


def closed_by(keys: Iterable[UUID], using: str) -> AppendOnlyQuerySet[AuditRecord]:
    """Return the records that hold a value encrypted with one of these keys, in no order."""
    rows: Any = AuditRecord.objects.using(using)
    found: AppendOnlyQuerySet[AuditRecord] = rows.alias(told=TOLD).filter(sealed_with(keys))
    return found


def sealed_with(keys: Iterable[UUID]) -> Q:
    """Return the condition that a record, with ``told=TOLD`` as an alias, holds a value that one of the keys opens."""
    return reduce(or_, (Q(told__contains=f"{key.hex}:") for key in keys), Q(pk__in=()))


def oldest_of(keys: Iterable[AuditSubjectKey], using: str) -> int | None:
    """Return the id below which no record can hold a value of one of these keys, None when there is no such record."""
    since = min(key.created_at for key in keys) - _CLOCKS
    later = AuditRecord.objects.using(using).filter(occurred_at__gte=since)
    # Times and ids are not in one order where several write at once: the first of them are no row, but a crowd.
    return min(later.order_by("occurred_at").values_list("pk", flat=True)[:_CROWD], default=None)


def _stretches(keys: Sequence[AuditSubjectKey], using: str) -> Iterator[list[tuple[int, str, datetime]]]:
    """Yield id, type of the target and time of the records of each stretch, the newest first."""
    if not keys:
        return
    oldest = oldest_of(keys, using)
    newest = AuditRecord.objects.using(using).order_by("-pk").values_list("pk", flat=True).first()
    if oldest is None or newest is None:
        return
    rows = closed_by([key.pk for key in keys], using).select_related(None)
    for upper in range(newest, oldest - 1, -STRETCH):
        part = rows.filter(pk__gt=upper - STRETCH, pk__lte=upper).order_by("-pk")
        yield list(part.values_list("pk", "target_type", "occurred_at"))
