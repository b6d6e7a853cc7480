"""The records that the next seal is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections

from gridkit_django.audit.rows import RecordRow, RecordRows
from gridkit_django.audit.runs import HIGHEST, LOWEST, Run, gaps, merged
from gridkit_django.audit.sealing.settled import settled_on_postgres
from gridkit_django.models import AuditSeal


@dataclass(frozen=True, slots=True)
class Window:
    """The next records without a seal.

    Attributes:
        rows: by id; empty when all is sealed.
        low: each record up to this id is in these rows or in a seal before.
        waiting: see ``Settled``.
    """

    rows: list[RecordRow]
    low: int
    waiting: dict[str, Any] | None


def next_window(alias: str, last: AuditSeal | None, limit: int) -> Window:
    """Return the visible records without a seal, the lowest ids first.

    It looks only above the mark of the last seal and past the runs that are sealed above it, so it costs the same
    however many records there are.

    Args:
        alias: of the database.
        last: the newest seal.
        limit: how many records at most.
    """
    connection = connections[alias]
    low, waiting = (LOWEST, None) if last is None else (last.low, last.waiting)
    if connection.vendor == "postgresql":
        settled = settled_on_postgres(connection, low, waiting)
        low_now, waiting = settled.low, settled.waiting
    else:
        low_now, waiting = HIGHEST, None
    rows = RecordRows(alias).of(gaps(sealed_above(alias, low), low + 1, HIGHEST), limit)
    if rows and (len(rows) == limit or low_now == HIGHEST):
        low_now = min(low_now, rows[-1].id)
    return Window(rows, low_now, waiting)


def sealed_above(alias: str, low: int, before: int | None = None) -> list[Run]:
    """Return the runs of ids above ``low`` that are sealed.

    Args:
        alias: of the database.
        low: the mark.
        before: only those of seals before this number.
    """
    seals = AuditSeal.objects.using(alias).filter(last_id__gt=low)
    if before is not None:
        seals = seals.filter(number__lt=before)
    spans = seals.order_by().values_list("spans", flat=True)
    return merged((first, last) for runs in spans for first, last in runs)
