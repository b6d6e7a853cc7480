"""How the audit trail is: what waits for a seal or for a destination, what is missing, and when it was verified.

Every question is answered by an index and stops at a number, so that asking costs the same however long the trail is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from gridkit_django.audit.capture.gaps import GAP
from gridkit_django.audit.delivery.destinations import backlog_of
from gridkit_django.audit.partitions import faults_of
from gridkit_django.audit.rows import RecordRows
from gridkit_django.audit.runs import HIGHEST, LOWEST, gaps
from gridkit_django.audit.sealing.window import sealed_above
from gridkit_django.conf import settings
from gridkit_django.models import (
    AuditDestination,
    AuditRecord,
    AuditSeal,
    AuditVerification,
    VerificationState,
)

COUNTED_MAX = 10_000
"""Records without a seal that are counted one by one; of more it is said that there are as many at least."""

_GAPS_MAX = 1000
SPANS, _SEALS_MAX = 48, 2000
_OVER = (VerificationState.GOOD, VerificationState.FAULTY)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one destination lacks.

    Attributes:
        name: of the destination.
        state: one of ``DeliveryState``.
        records: sealed records that it has not got.
        last_success_at: when it took something for the last time.
    """

    name: str
    state: str
    records: int
    last_success_at: datetime | None


@dataclass(frozen=True, slots=True)
class TrailHealth:
    """The trail of one database at one moment.

    Attributes:
        alias: of the database.
        unsealed: records without a seal, at most ``COUNTED_MAX``.
        oldest: when the oldest of them was written.
        seals: number of the newest seal, 0 for none.
        sealed: records that were ever sealed.
        sealed_at: when the newest seal was made.
        backlogs: what each destination lacks.
        gaps: records that tell of changes without a record, at most 1,000.
        verified: the newest verification that came to an end, None for none.
        partition_faults: what is to be seen to with the partitions of the record table, each as a sentence.
        now: the moment.
    """

    alias: str
    unsealed: int
    oldest: datetime | None
    seals: int
    sealed: int
    sealed_at: datetime | None
    backlogs: tuple[Backlog, ...]
    gaps: int
    verified: AuditVerification | None
    partition_faults: tuple[str, ...]
    now: datetime

    @property
    def oldest_age(self) -> timedelta:
        """How long the oldest record without a seal has waited."""
        return max(self.now - self.oldest, timedelta()) if self.oldest else timedelta()

    @property
    def is_late(self) -> bool:
        """Whether sealing is late: that record has waited longer than ``AUDIT_UNSEALED_SECONDS``."""
        return self.oldest_age > timedelta(seconds=settings().AUDIT_UNSEALED_SECONDS)

    @property
    def has_more(self) -> bool:
        """Whether there are more records without a seal than were counted."""
        return self.unsealed >= COUNTED_MAX


@dataclass(frozen=True, slots=True)
class SealedSpan:
    """Records that were sealed within a stretch of time.

    Attributes:
        start: its beginning.
        records: how many.
    """

    start: datetime
    records: int


def trail_health(alias: str) -> TrailHealth:
    """Return how the trail of a database is.

    Args:
        alias: of the database.
    """
    last = AuditSeal.objects.using(alias).order_by("-number").defer("marks", "spans").first()
    unsealed, oldest = _unsealed(alias, LOWEST if last is None else last.low)
    rows = AuditDestination.objects.using(alias).order_by("name")
    verified = AuditVerification.objects.using(alias).filter(state__in=_OVER).order_by("-pk").first()
    return TrailHealth(
        alias=alias,
        unsealed=unsealed,
        oldest=oldest,
        seals=0 if last is None else last.number,
        sealed=0 if last is None else last.total,
        sealed_at=None if last is None else last.sealed_at,
        backlogs=tuple(Backlog(row.name, str(row.state), backlog_of(row), row.last_success_at) for row in rows),
        gaps=gap_count(alias),
        verified=verified,
        partition_faults=tuple(faults_of(alias)),
        now=timezone.now(),
    )


def unsealed_since(alias: str) -> datetime | None:
    """Return when the oldest record without a seal was written, None when all are sealed."""
    low = AuditSeal.objects.using(alias).order_by("-number").values_list("low", flat=True).first()
    return _unsealed(alias, LOWEST if low is None else low, most=1)[1]


def gap_count(alias: str) -> int:
    """Return how many records tell of changes without a record, at most 1,000. The index of actors finds them."""
    found = AuditRecord.objects.using(alias).filter(actor_id="audit", actor_kind="system", action=GAP)
    return found.order_by("-pk")[:_GAPS_MAX].count()


def _unsealed(alias: str, low: int, most: int = COUNTED_MAX) -> tuple[int, datetime | None]:
    """Return how many records have no seal, at most so many, and when the oldest of them was written."""
    ids = RecordRows(alias).ids(gaps(sealed_above(alias, low), low + 1, HIGHEST), most)
    if not ids:
        return 0, None
    oldest = AuditRecord.objects.using(alias).filter(pk=ids[0]).values_list("occurred_at", flat=True).first()
    return len(ids), oldest


def sealed_lately(alias: str, now: datetime) -> list[SealedSpan]:
    """Return how much was sealed in each of 48 stretches, up to now: of the last day, or of the newest 2,000 seals.

    Args:
        alias: of the database.
        now: the end of the last stretch.
    """
    day = now - timedelta(days=1)
    newest = AuditSeal.objects.using(alias).order_by("-number").values_list("sealed_at", "count")[:_SEALS_MAX]
    seals = [(moment, count) for moment, count in newest if moment >= day]
    first = min([moment for moment, _ in seals], default=day) if len(seals) == _SEALS_MAX else day
    length = max((now - first) / SPANS, timedelta(microseconds=1))
    counts = [0] * SPANS
    for moment, count in seals:
        counts[min(max(int((moment - first) / length), 0), SPANS - 1)] += count
    return [SealedSpan(first + place * length, count) for place, count in enumerate(counts)]
