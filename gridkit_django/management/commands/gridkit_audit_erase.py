"""``manage.py gridkit_audit_erase``: forget a person in the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gridkit_django.audit.privacy import Reach, Subject, erase_subject, reach_of
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditHeldError, AuditSubjectError


class Command(BaseCommand):
    """Destroys the key of a subject, so that its encrypted values can't be read any more."""

    help = (
        "Destroys the key that the values of one subject are encrypted with in the audit trail. The records stay and "
        "verify as before; their encrypted values are unreadable for ever. This can't be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("type", help="app_label.Model, or app_label.model.field where a policy's subject is no key")
        parser.add_argument("id", help="primary key of the row, or the field's value")
        parser.add_argument("--reason", default="", help="why, for the record of this act")
        parser.add_argument("--database", default="default", help="alias of the database of the records")
        parser.add_argument("--dry-run", action="store_true", help="tell what would be destroyed, and what forbids it")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        """Erase, or only look.

        Raises:
            CommandError: for an unknown model, or when a hold forbids it.
        """
        using = options["database"]
        try:
            subject = Subject.named(options["type"], options["id"])
            with acting(Actor.system("gridkit_audit_erase"), EventSource.SYSTEM, reason=options["reason"]):
                done = erase_subject(subject, using=using, dry_run=dry_run)
        except (AuditSubjectError, AuditHeldError) as error:
            raise CommandError(error.detail) from error
        if not done.keys:
            self.stdout.write(f"There is no key of {subject.type} {subject.id}: nothing about it is encrypted.")
        verb = "would be destroyed" if dry_run else "was destroyed"
        for key_id in done.keys:
            self.stdout.write(f"The key {key_id} {verb}.")
        if dry_run and done.keys:
            for line in _told(reach_of(subject, using=using)):
                self.stdout.write(line)


def _told(reach: Reach) -> Iterator[str]:
    """Yield what would be closed, and what forbids it."""
    if reach.first and reach.last:
        yield f"{reach.records} records would be closed, from {reach.first:%Y-%m-%d} to {reach.last:%Y-%m-%d}:"
        yield from (f"  {count} of {kind}" for kind, count in sorted(reach.by_type.items()))
    yield from (f"Forbidden by the legal hold {hold.name}." for hold in reach.holds)
