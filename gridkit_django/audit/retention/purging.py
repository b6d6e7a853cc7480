"""Removing records whose time is over: sealed, delivered, not held, archived, with a signed receipt that stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import connections, transaction
from django.db.models import Min, Q
from django.utils import timezone

from gridkit_django.audit.receipts import make_receipt
from gridkit_django.audit.recorder import record
from gridkit_django.audit.retention.archive import Archive, drop_archive, write_archive
from gridkit_django.audit.retention.holds import held
from gridkit_django.audit.retention.rules import expired, retention_rules
from gridkit_django.audit.runs import Run, common, merged, runs_of, size
from gridkit_django.audit.targets import Target
from gridkit_django.models import AuditDestination, AuditOperation, AuditRecord, AuditSeal

CHUNK = 5000
"""Records that go in one transaction, under one receipt, into one archive."""

_IDS_AT_ONCE = 500


@dataclass(slots=True)
class PurgeReport:
    """What a purge removed, or would.

    Attributes:
        by_rule: name of a rule to the records that fell under it.
        kept_by_hold: records whose time is over and that a hold keeps.
        waiting: records whose time is over and that are not sealed or not delivered everywhere.
        archives: names of the files that were written.
    """

    by_rule: Counter[str] = field(default_factory=Counter)
    kept_by_hold: int = 0
    waiting: int = 0
    archives: list[str] = field(default_factory=list)

    @property
    def removed(self) -> int:
        """How many records went."""
        return self.by_rule.total()


def purge(*, using: str = "default", now: datetime | None = None, dry_run: bool = False) -> PurgeReport:
    """Remove every record whose time is over.

    It takes chunks, each a transaction of its own, so that it can be broken off and run again. What a destination has
    not got yet, what has no seal, and what is under a hold stays.

    Args:
        using: alias of the database of the records.
        now: the moment from which terms are counted back; the present when None.
        dry_run: only count.

    Raises:
        AuditRetentionError: when a rule can't be read.
        AuditKeyError: when the key that signs receipts can't be read.
    """
    conditions = expired(retention_rules(), now or timezone.now())
    report = PurgeReport()
    if not conditions:
        return report
    over, hold = reduce(or_, conditions.values()), held(using)
    records = AuditRecord.objects.using(using)
    if hold is not None:
        report.kept_by_hold = records.filter(over & hold).count()
        over &= ~hold
    for runs in _chunks(using, over):
        ready = common(runs, _ready(using, runs[0][0], runs[-1][1]))
        report.waiting += size(runs) - size(ready)
        if ready:
            counts = _counts(using, ready, conditions)
            report.by_rule.update(counts)
            if not dry_run:
                report.archives += _remove(using, ready, counts)
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


def _ready(using: str, first: int, last: int) -> list[Run]:
    """Return the runs of ids, from the first to the last, that are sealed and that every destination has got."""
    seals = AuditSeal.objects.using(using).filter(last_id__gte=first, first_id__lte=last)
    slowest = AuditDestination.objects.using(using).aggregate(slowest=Min("cursor"))["slowest"]
    if slowest is not None:
        seals = seals.filter(number__lte=slowest)
    return merged((run[0], run[1]) for spans in seals.values_list("spans", flat=True) for run in spans)


def _counts(using: str, runs: Sequence[Run], conditions: Mapping[str, Q]) -> dict[str, int]:
    """Return how many of the records fall under each rule."""
    counted: Counter[str] = Counter()
    for start in range(0, len(runs), _IDS_AT_ONCE):
        within = reduce(or_, (Q(pk__range=run) for run in runs[start : start + _IDS_AT_ONCE]))
        for name, condition in conditions.items():
            counted[name] += AuditRecord.objects.using(using).filter(within, condition).count()
    return {name: number for name, number in counted.items() if number}


def _remove(using: str, runs: list[Run], counts: Mapping[str, int]) -> list[str]:
    """Archive and remove records in one transaction; an archive of records that stay after all is deleted."""
    seals = AuditSeal.objects.using(using).filter(last_id__gte=runs[0][0], first_id__lte=runs[-1][1])
    numbers = list(seals.order_by("number").values_list("number", flat=True))
    archive = Archive()
    try:
        with transaction.atomic(using=using):
            archive = write_archive(using, runs, numbers[0], numbers[-1])
            receipt = make_receipt(using, runs, archive=archive.name, archive_digest=archive.digest)
            receipt.save(using=using)
            _delete(using, runs)
            evidence: dict[str, Any] = {"records": size(runs), "first": runs[0][0], "last": runs[-1][1]}
            evidence |= {"rules": dict(counts), "archive": archive.name, "archiveDigest": archive.digest}
            record("audit.purge", target=Target("audit-purge", str(receipt.pk)), evidence=evidence)
    except BaseException:
        drop_archive(archive)
        raise
    return [archive.name] if archive.name else []


def _delete(using: str, runs: Sequence[Run]) -> None:
    """Remove records, and operations that no record is left of. The receipt, which is stored by now, allows it."""
    quote = connections[using].ops.quote_name
    records, operations = quote(AuditRecord._meta.db_table), quote(AuditOperation._meta.db_table)
    acts: set[Any] = set()
    with connections[using].cursor() as cursor:
        for start in range(0, len(runs), _IDS_AT_ONCE):
            part = runs[start : start + _IDS_AT_ONCE]
            where = " OR ".join(["id BETWEEN %s AND %s"] * len(part))
            values = [number for run in part for number in run]
            cursor.execute(f"SELECT DISTINCT operation_id FROM {records} WHERE {where}", values)  # noqa: S608
            acts.update(row[0] for row in cursor.fetchall())
            cursor.execute(f"DELETE FROM {records} WHERE {where}", values)  # noqa: S608
        left = sorted(acts)
        for start in range(0, len(left), _IDS_AT_ONCE):
            ids = left[start : start + _IDS_AT_ONCE]
            cursor.execute(
                f"DELETE FROM {operations} WHERE id IN ({', '.join(['%s'] * len(ids))}) "  # noqa: S608
                f"AND NOT EXISTS (SELECT 1 FROM {records} r WHERE r.operation_id = {operations}.id)",
                ids,
            )
