"""Sending what is due: one worker for each destination, seal by seal, never past what was not taken.

The cursor moves after the destination has taken a batch. A worker that dies in between sends that batch again, under
the same id: at least once, in order.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from gridkit_django.audit.delivery.batch import Batch
from gridkit_django.audit.delivery.destinations import secret_of
from gridkit_django.audit.delivery.places import read_place
from gridkit_django.audit.delivery.senders import SENDERS
from gridkit_django.audit.recorder import record
from gridkit_django.audit.rows import RecordRows
from gridkit_django.audit.targets import Target
from gridkit_django.conf import settings
from gridkit_django.exceptions import (
    AuditDestinationError,
    AuditKeyError,
    AuditKeyServiceError,
    DeliveryLaterError,
    DeliveryRefusedError,
    DeliveryTooLargeError,
)
from gridkit_django.models import AuditDestination, AuditSeal, DeliveryState

logger = logging.getLogger("gridkit_django.audit.delivery")

LEASE = timedelta(minutes=2)
PAUSE_SECONDS_MAX = 3600
TURN_SECONDS = 10.0
ALL_SECONDS = 60.0
_ERROR_LENGTH = 1000


class _TakenOver(Exception):  # noqa: N818 - no error: the work goes on elsewhere
    """The lease was lost: the destination is another worker's by now, and what it notes stays."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What one round did.

    Attributes:
        name: of the destination.
        records: how many it took.
        error: why it stopped before the end, empty when it did not.
        is_done: it has all that there is, or does not work now; otherwise its time was over.
    """

    name: str
    records: int
    error: str
    is_done: bool = True


def deliver_all(*, using: str = "default") -> list[DeliveryReport]:
    """Give each destination that is due what it lacks, and tell what came of it.

    They take turns, so that one with a long way to go, or a slow one, does not let the others wait for its end. After a
    minute the next call goes on.

    Args:
        using: alias of the database of the records.
    """
    names = list(_due(using).values_list("name", flat=True))
    told: dict[str, DeliveryReport] = {}
    end = time.monotonic() + ALL_SECONDS
    while names:
        for name in names:
            report = deliver(name, using=using, seconds=TURN_SECONDS)
            if report is not None:
                before = told[name].records if name in told else 0
                told[name] = replace(report, records=before + report.records)
        names = [name for name in names if name in told and not told[name].is_done]
        if time.monotonic() >= end:
            break
    return list(told.values())


def deliver(name: str, *, using: str = "default", seconds: float | None = None) -> DeliveryReport | None:
    """Give one destination what it lacks; None when it is not due, or somebody else is at it.

    Args:
        name: of the destination.
        using: alias of the database of the records.
        seconds: begin no further batch after this; None for no limit.
    """
    row = _leased(name, using)
    if row is None:
        return None
    sent, error, is_done = 0, "", True
    end = None if seconds is None else time.monotonic() + seconds
    try:
        for count in _sent(row, using):
            sent += count
            if end is not None and time.monotonic() >= end:
                is_done = False
                break
    except _TakenOver as problem:
        error = str(problem)
    except (DeliveryLaterError, AuditKeyServiceError) as problem:
        error = _try_later(row, problem.detail)
    except (DeliveryRefusedError, AuditDestinationError, AuditKeyError) as problem:
        error = _park(row, problem.detail)
    except Exception as problem:
        # A fault of ours, or of a sender's library: it is told like any other, and the other destinations go on.
        logger.exception("The audit destination %s could not be served", name)
        error = _try_later(row, f"{type(problem).__name__}: {problem}")
    finally:
        AuditDestination.objects.using(using).filter(pk=row.pk, leased_by=row.leased_by).update(leased_until=None)
    return DeliveryReport(name, sent, error, is_done)


def _sent(row: AuditDestination, using: str) -> Iterator[int]:
    """Send batch after batch, and yield how many records each had; one that is too large is sent in parts."""
    most = settings().AUDIT_BATCH_RECORDS
    while batch := _next_batch(row, using, most):
        try:
            _send(row, batch)
        except DeliveryTooLargeError:
            if len(batch.rows) == 1:
                raise
            most = len(batch.rows) // 2
            continue
        _advance(row, batch)
        yield len(batch.rows)


def _due(using: str) -> QuerySet[AuditDestination]:
    now = timezone.now()
    rows = AuditDestination.objects.using(using).filter(state__in=(DeliveryState.READY, DeliveryState.WAITING))
    rows = rows.filter(Q(next_try_at=None) | _past("next_try_at", now, timedelta(seconds=PAUSE_SECONDS_MAX)))
    return rows.filter(Q(leased_until=None) | _past("leased_until", now, LEASE)).order_by("name")


def _past(name: str, now: datetime, most: timedelta) -> Q:
    """Return the condition that a moment is over; one that nobody would set so far ahead is of a clock that went back.

    Args:
        name: of the column.
        now: the time.
        most: how far ahead it is set at most; the clocks of two machines may differ as much.
    """
    return Q(**{f"{name}__lt": now}) | Q(**{f"{name}__gt": now + 2 * most})


def _leased(name: str, using: str) -> AuditDestination | None:
    """Take the destination for ourselves for a while; a lease whose worker died runs out."""
    holder = f"{socket.gethostname()}:{os.getpid()}:{random.getrandbits(32):08x}"[-100:]
    taken = _due(using).filter(name=name).update(leased_until=timezone.now() + LEASE, leased_by=holder)
    return AuditDestination.objects.using(using).get(name=name) if taken else None


def _next_batch(row: AuditDestination, using: str, most: int) -> Batch | None:
    """Return what comes after the cursor, so many records at most.

    Seals whose records were all purged are passed over; a destination that has got seals gets these along with the
    next records, so that its chain has no gap.
    """
    passed: list[AuditSeal] = []
    for seal in AuditSeal.objects.using(using).filter(number__gt=row.cursor).order_by("number").iterator(chunk_size=10):
        offset = row.offset if seal.number == row.cursor + 1 else 0
        spans = [(first, last) for first, last in seal.spans]
        rows = RecordRows(using).of(spans, offset + most + 1)[offset:]
        if rows:
            return Batch(seal, offset, tuple(rows[:most]), row.format, len(rows) <= most, tuple(passed))
        if row.last_success_at and row.format == "native":
            passed.append(seal)
            continue
        row.cursor, row.offset = seal.number, 0
        row.save(update_fields=["cursor", "offset"])
    return None


def _send(row: AuditDestination, batch: Batch) -> None:
    place = read_place(row.address)
    SENDERS[place.kind](place, batch, secret_of(row))


def _advance(row: AuditDestination, batch: Batch) -> None:
    """Move the cursor past what was taken, and keep the lease.

    It moves although the lease was lost, if nobody else has moved it: otherwise a destination that needs longer for a
    batch than a lease lasts would get the same one for ever.

    Raises:
        _TakenOver: when the lease was lost.
        DeliveryLaterError: when somebody paused the destination.
    """
    place = (row.cursor, row.offset)
    if batch.is_last:
        row.cursor, row.offset = batch.seal.number, 0
    else:
        row.cursor, row.offset = batch.seal.number - 1, batch.offset + len(batch.rows)
    row.failures, row.last_error, row.last_success_at = 0, "", timezone.now()
    row.leased_until, row.next_try_at = timezone.now() + LEASE, None
    with transaction.atomic(using=row._state.db):
        now = AuditDestination.objects.using(row._state.db).select_for_update().get(pk=row.pk)
        is_ours = now.leased_by == row.leased_by
        stays = now.state == DeliveryState.PAUSED
        row.state = now.state if stays else DeliveryState.READY
        if is_ours or (now.cursor, now.offset) == place:
            row.save(update_fields=_PROGRESS)
    if not is_ours:
        raise _TakenOver("Another worker took this destination over.")
    if stays:
        raise DeliveryLaterError("The destination was paused.")


_PROGRESS = (
    "cursor", "offset", "failures", "last_error", "last_success_at", "leased_until", "next_try_at", "state",
)  # fmt: skip


def _try_later(row: AuditDestination, reason: str) -> str:
    """Note the failure; each one after another waits twice as long, up to an hour, with some chance in it."""
    row.refresh_from_db(fields=["state", "failures"])
    row.failures += 1
    pause = min(2.0 ** min(row.failures, 12), PAUSE_SECONDS_MAX) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    row.next_try_at = timezone.now() + timedelta(seconds=pause)
    row.last_error = reason[:_ERROR_LENGTH]
    if row.state not in (DeliveryState.PAUSED, DeliveryState.PARKED):
        row.state = DeliveryState.WAITING
    row.save(update_fields=["failures", "next_try_at", "last_error", "state"])
    logger.warning("The audit destination %s waits, %d failures in a row: %s", row.name, row.failures, reason)
    return reason


def _park(row: AuditDestination, reason: str) -> str:
    """Let the destination wait for a person: what it refuses now it would refuse again, and nothing is skipped."""
    row.failures += 1
    row.state, row.last_error = DeliveryState.PARKED, reason[:_ERROR_LENGTH]
    with transaction.atomic(using=row._state.db):
        row.save(update_fields=["failures", "state", "last_error"])
        target = Target("audit-destination", str(row.pk), row.name)
        told = {"reason": row.last_error, "seal": row.cursor + 1}
        record("audit.park_destination", target=target, evidence=told, using=row._state.db)
    logger.error("The audit destination %s is parked until somebody looks: %s", row.name, reason)
    return reason
