"""``manage.py gridkit_audit_subject``: what the audit trail holds of one person, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from gridkit_django.audit.privacy import Subject
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AccessDeniedError, AuditSubjectError
from gridkit_django.grids.subject_report import FORMS, SubjectReport


class Command(BaseCommand):
    """Writes the report for somebody who asks what is held of them; that it was written is a record itself."""

    help = "Writes all audit records of and about one person, as far as a user of the site may see them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("type", help="app_label.Model, or app_label.model.field where a policy's subject is no key")
        parser.add_argument("id", help="primary key of the row, or the field's value")
        parser.add_argument("--user", required=True, help="name of the user whose rights decide, and who has read it")
        parser.add_argument("--format", choices=FORMS, default="ndjson", help="ndjson or csv")
        parser.add_argument("--output", help="the new file; the standard output if left out")
        parser.add_argument("--acts", action="store_true", help="with what the person did as a user")
        parser.add_argument("--looks", action="store_true", help="with who looked at the person, or read about them")
        parser.add_argument("--clear", action="store_true", help="with encrypted values in the clear, for who may")
        parser.add_argument("--reason", default="", help="why, for the records of this act")

    def handle(self, *, user: str, output: str | None, **options: Any) -> None:
        """Write the report.

        Raises:
            CommandError: when there is no such person or user, the user may not, or the file can't be written.
        """
        reader = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: user}).first()
        if reader is None:
            raise CommandError(f"There is no user {user!r}.")
        chosen = {name: options[name] for name in ("acts", "looks", "clear")}
        with acting(Actor.from_user(reader), EventSource.SYSTEM, reason=options["reason"]):
            try:
                report = SubjectReport(reader, Subject.named(options["type"], options["id"]), **chosen)
                if output is None:
                    for piece in report.export(options["format"]):
                        self.stdout.write(piece, ending="")
                else:
                    with Path(output).open("x", encoding="utf-8", newline="") as file:
                        file.writelines(report.export(options["format"]))
            except (AuditSubjectError, AccessDeniedError) as error:
                raise CommandError(error.detail) from error
            except OSError as error:
                raise CommandError(str(error)) from error
