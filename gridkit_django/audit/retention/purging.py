"""Removing records whose time is over: sealed, delivered, not held, archived, with a signed receipt that stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

from django.db import connections, transaction
from django.db.models import Q
from django.utils import timezone

from gridkit_django.audit.partitions import finish_detached, wait_for_detachment
from gridkit_django.audit.retention.archive import Archive, drop_archive, write_archive
from gridkit_django.audit.retention.due import IDS_AT_ONCE, Due, counts_by_rule, free_runs, ready_runs, seals_around
from gridkit_django.audit.retention.holds import await_holds
from gridkit_django.audit.retention.report import PurgeReport
from gridkit_django.audit.retention.telling import tell
from gridkit_django.audit.retention.whole import WholePurge
from gridkit_django.audit.runs import Run, common, runs_of, size
from gridkit_django.models import AuditOperation, AuditRecord

CHUNK = 5000
"""Records that go in one transaction, under one receipt, into one archive."""


def purge(*, using: str = "default", now: datetime | None = None, dry_run: bool = False) -> PurgeReport:
    """Remove every record whose time is over.

    Partitions of which all may go are dropped whole (PostgreSQL). The rest goes in chunks, each a transaction of its
    own, so that it can be broken off and run again. What a destination has not got yet, what has no seal, and what is
    under a hold stays.

    Args:
        using: alias of the database of the records.
        now: the moment from which terms are counted back; the present when None.
        dry_run: only count.

    Raises:
        AuditRetentionError: when a rule can't be read.
        AuditKeyError: when the key that signs receipts can't be read.
    """
    moment = now or timezone.now()
    due, report = Due.of(using, moment), PurgeReport()
    if due is None:
        return report
    if due.hold is not None:
        report.kept_by_hold = AuditRecord.objects.using(using).filter(due.over & due.hold).count()
    if not dry_run:
        finish_detached(using)
    apart = WholePurge(using, moment, due, report, dry_run).run()
    if not dry_run:
        finish_detached(using)
    for runs in _chunks(using, reduce(and_, (~Q(pk__range=ids) for ids in apart), due.free)):
        ready = common(runs, ready_runs(using, runs[0][0], runs[-1][1]))
        report.waiting += size(runs) - size(ready)
        if ready and dry_run:
            report.by_rule.update(counts_by_rule(using, ready, due))
        elif ready:
            _remove(using, ready, due, report)
    return report


def _chunks(using: str, over: Q) -> Iterator[list[Run]]:
    """Yield the runs of ids of records whose time is over, the lowest first."""
    last = -(2**63)
    while True:
        rows = AuditRecord.objects.using(using).filter(over, pk__gt=last).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:CHUNK])
        if not ids:
            return
        last = ids[-1]
        yield runs_of(ids)


def _remove(using: str, runs: list[Run], due: Due, report: PurgeReport) -> None:
    """Remove what no hold keeps by now: a purge may take long, and a hold that is placed meanwhile counts."""
    free = free_runs(using, runs)
    report.kept_by_hold += size(runs) - size(free)
    if free and not _removed(using, free, due, report):
        _remove(using, free, due, report)


def _removed(using: str, runs: list[Run], due: Due, report: PurgeReport) -> bool:
    """Archive and remove records in one transaction; an archive of records that stay for certain is deleted.

    Returns:
        Whether they are gone; not when a hold was placed meanwhile.
    """
    archive, counts, is_leaving = Archive(), counts_by_rule(using, runs, due), False
    try:
        with transaction.atomic(using=using):
            wait_for_detachment(using)
            archive = write_archive(using, runs, *seals_around(using, runs))
            tell(using, runs, archive, counts, way="rows")
            await_holds(using)
            if free_runs(using, runs) == runs:
                _delete(using, runs)
                is_leaving = True
            transaction.set_rollback(not is_leaving, using=using)
    finally:
        # When the commit itself fails, a lost connection for one, the records may be gone all the same: it stays then.
        if not is_leaving:
            drop_archive(archive)
    if is_leaving:
        report.by_rule.update(counts)
        report.archives += [archive.name] if archive.name else []
    return is_leaving


def _delete(using: str, runs: Sequence[Run]) -> None:
    """Remove records, and operations that no record is left of. The receipt, which is stored by now, allows it."""
    quote = connections[using].ops.quote_name
    records, operations = quote(AuditRecord._meta.db_table), quote(AuditOperation._meta.db_table)
    acts: set[Any] = set()
    with connections[using].cursor() as cursor:
        for start in range(0, len(runs), IDS_AT_ONCE):
            part = runs[start : start + IDS_AT_ONCE]
            where = " OR ".join(["id BETWEEN %s AND %s"] * len(part))
            values = [number for run in part for number in run]
            cursor.execute(f"SELECT DISTINCT operation_id FROM {records} WHERE {where}", values)  # noqa: S608
            acts.update(row[0] for row in cursor.fetchall())
            cursor.execute(f"DELETE FROM {records} WHERE {where}", values)  # noqa: S608
        left = sorted(acts)
        for start in range(0, len(left), IDS_AT_ONCE):
            ids = left[start : start + IDS_AT_ONCE]
            cursor.execute(
                f"DELETE FROM {operations} WHERE id IN ({', '.join(['%s'] * len(ids))}) "  # noqa: S608
                f"AND NOT EXISTS (SELECT 1 FROM {records} r WHERE r.operation_id = {operations}.id)",
                ids,
            )
