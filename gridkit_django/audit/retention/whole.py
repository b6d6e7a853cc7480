"""Partitions whose records may all go: archived, told, and dropped as a whole, whatever their number.

Records whose time is over wait for the rest of their partition, if that is over soon. Without waiting, a purge each day
would remove each day's records one by one, and no partition would ever go with something in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connections
from django.db.models import Q

from gridkit_django.audit.partitions import Partition, detach, fold_empty, is_partitioned, partitions_of
from gridkit_django.audit.partitions.catalog import is_owner
from gridkit_django.audit.partitions.dropping import runs_in
from gridkit_django.audit.retention.archive import drop_archive, write_archive
from gridkit_django.audit.retention.due import Due, counts_by_rule, ready_runs, seals_around
from gridkit_django.audit.retention.holds import await_holds
from gridkit_django.audit.retention.report import PurgeReport
from gridkit_django.audit.retention.telling import tell
from gridkit_django.audit.runs import Run, common, size
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditPartitionBusyError
from gridkit_django.models import AuditRecord, AuditSeal


@dataclass(frozen=True, slots=True)
class WholePurge:
    """One purge of whole partitions.

    Attributes:
        using: alias of the database of the records.
        now: the moment from which terms are counted back.
        due: the conditions of that moment.
        report: is told what is done.
        dry_run: only count.
    """

    using: str
    now: datetime
    due: Due
    report: PurgeReport
    dry_run: bool

    def run(self) -> list[Run]:
        """Remove what may go as a whole, and return the ids that must not be removed row by row."""
        connection = connections[self.using]
        if not is_partitioned(connection) or not is_owner(connection):
            return []
        soon = Due.of(self.using, self.now + timedelta(days=settings().AUDIT_PARTITION_DAYS))
        newest = AuditSeal.objects.using(self.using).order_by("-number").values_list("low", flat=True).first()
        if soon is None or newest is None:
            return []
        closed = [part for part in partitions_of(connection) if not part.is_rest and part.last <= newest]
        return [part.ids for part in closed if self._look_at(part, soon)]

    def _look_at(self, part: Partition, soon: Due) -> bool:
        """Remove a partition if it may go, and say whether its records are none of the others' business."""
        inside = AuditRecord.objects.using(self.using).filter(pk__range=part.ids)
        if inside.exclude(soon.free).exists():
            return False
        if inside.exclude(self.due.free).exists():
            self.report.deferred += inside.filter(self.due.free).count()
            return True
        runs = runs_in(self.using, part)
        unready = size(runs) - size(common(runs, ready_runs(self.using, *part.ids)))
        self.report.waiting += unready
        if not unready:
            self._remove(part, runs)
        return True

    def _remove(self, part: Partition, runs: list[Run]) -> None:
        counts = counts_by_rule(self.using, [part.ids], self.due)
        if not self.dry_run:
            try:
                is_gone = self._drop(part, runs, counts) if runs else fold_empty(self.using, part)
            except AuditPartitionBusyError:
                is_gone = False
            if not is_gone:
                self.report.busy.append(part.name)
                return
        self.report.by_rule.update(counts)
        self.report.partitions.append(part.name)

    def _drop(self, part: Partition, runs: list[Run], counts: dict[str, int]) -> bool:
        """Archive, tell and detach; an archive of records that stay for certain is deleted."""
        archive = write_archive(self.using, runs, *seals_around(self.using, runs))
        is_leaving = False

        def told() -> bool:
            nonlocal is_leaving
            # Holds may have been placed while the archive was written.
            await_holds(self.using)
            due = Due.of(self.using, self.now)
            free = due.free if due is not None else Q(pk__in=[])
            if AuditRecord.objects.using(self.using).filter(pk__range=part.ids).exclude(free).exists():
                return False
            tell(self.using, runs, archive, counts, way="partition", partition=part.name)
            is_leaving = True
            return True

        try:
            is_gone = is_leaving = detach(self.using, part, size(runs), told)
        except AuditPartitionBusyError:
            is_leaving = False
            raise
        finally:
            # When the commit itself fails, a lost connection for one, the partition may be gone all the same.
            if not is_leaving:
                drop_archive(archive)
        if archive.name and is_gone:
            self.report.archives.append(archive.name)
        return is_gone
