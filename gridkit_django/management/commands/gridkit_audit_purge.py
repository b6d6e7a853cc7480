"""``manage.py gridkit_audit_purge``: remove audit records whose time is over."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gridkit_django.audit.retention import PurgeReport, purge
from gridkit_django.audit.sealing import sealed_aliases
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditError


class Command(BaseCommand):
    """Removes what the terms of ``AUDIT_RETENTION`` and of the policies allow to go."""

    help = (
        "Removes the audit records whose time is over, after they were archived where AUDIT_ARCHIVE_STORAGE says, and "
        "leaves signed receipts. What is held, not sealed, or not delivered everywhere stays."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--database", help="of this database only; of all that hold records otherwise")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *_args: Any, database: str | None, dry_run: bool, **_options: Any) -> None:
        """Purge, or only count.

        Raises:
            CommandError: when a rule or a key can't be read.
        """
        for using in [database] if database else sealed_aliases():
            try:
                with acting(Actor.system("retention"), EventSource.SYSTEM):
                    report = purge(using=using, dry_run=dry_run)
            except AuditError as error:
                raise CommandError(error.detail) from error
            self._tell(report, dry_run=dry_run)

    def _tell(self, report: PurgeReport, *, dry_run: bool) -> None:
        for name, number in sorted(report.by_rule.items()):
            self.stdout.write(f"{name}: {number} records")
        for name in report.archives:
            self.stdout.write(f"Archived as {name}")
        for name in report.partitions:
            self.stdout.write(f"{'Would drop' if dry_run else 'Dropped'} the partition {name}")
        for name in report.busy:
            self.stdout.write(f"The partition {name} was in use; the next purge tries it again")
        if report.deferred:
            self.stdout.write(f"{report.deferred} records wait for the rest of their partition")
        verb = "would be removed" if dry_run else "were removed"
        self.stdout.write(
            f"{report.removed} records {verb}; {report.kept_by_hold} are held, {report.waiting} are not sealed or not "
            "delivered everywhere yet."
        )
