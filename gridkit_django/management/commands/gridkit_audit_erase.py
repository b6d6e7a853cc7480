"""``manage.py gridkit_audit_erase``: forget a person in the audit trail."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

from gridkit_django.audit.privacy import Subject, erase_subject
from gridkit_django.events import Actor, EventSource, acting


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
        parser.add_argument("--dry-run", action="store_true", help="tell which keys would be destroyed")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        """Erase, or only look.

        Raises:
            CommandError: for an unknown model.
        """
        subject = Subject(_label(options["type"]), options["id"])
        with acting(Actor.system("gridkit_audit_erase"), EventSource.SYSTEM, reason=options["reason"]):
            done = erase_subject(subject, using=options["database"], dry_run=dry_run)
        if not done.keys:
            self.stdout.write(f"There is no key of {subject.type} {subject.id}: nothing about it is encrypted.")
        verb = "would be destroyed" if dry_run else "was destroyed"
        for key_id in done.keys:
            self.stdout.write(f"The key {key_id} {verb}.")


def _label(text: str) -> str:
    """Return the label of a model, with the field after it when one is named."""
    app, _, rest = text.partition(".")
    model, _, field = rest.partition(".")
    try:
        options: Any = apps.get_model(app, model)._meta.concrete_model
    except (LookupError, ValueError) as error:
        raise CommandError(f"There is no model {app}.{model}. Write app_label.Model.") from error
    label: str = options._meta.label_lower
    return f"{label}.{field}" if field else label
