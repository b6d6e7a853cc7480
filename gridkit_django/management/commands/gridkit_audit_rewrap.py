"""``manage.py gridkit_audit_rewrap``: wrap what a master key holds with the newest one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gridkit_django.audit.delivery import rewrap_secrets
from gridkit_django.audit.privacy import rewrap_keys
from gridkit_django.events import Actor, EventSource, acting


class Command(BaseCommand):
    """Wraps keys of subjects and secrets of destinations anew, so that an older master key can be thrown away."""

    help = (
        "Wraps the key of every subject of the audit trail, and the secret of every destination, with the newest "
        "master key. Run it after you put a new text in front of AUDIT_MASTER_KEYS; then the old one can go. Encrypted "
        "values stay as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--database", default="default", help="alias of the database of the records")
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail when a key is not wrapped by the newest one"
        )

    def handle(self, *, check: bool, **options: Any) -> None:
        """Wrap anew, or only look.

        Raises:
            CommandError: when a key can't be unwrapped; with ``--check``, when one is not wrapped by the newest key.
        """
        with acting(Actor.system("gridkit_audit_rewrap"), EventSource.SYSTEM):
            keys = rewrap_keys(using=options["database"], write=not check)
            secrets = rewrap_secrets(using=options["database"], write=not check)
        verb = "would be wrapped anew" if check else "were wrapped anew"
        for report, what in ((keys, "keys"), (secrets, "secrets of destinations")):
            self.stdout.write(f"{report.outdated - len(report.unreadable)} of {report.examined} {what} {verb}.")
        if unreadable := [*keys.unreadable, *secrets.unreadable]:
            raise CommandError(
                f"No master key unwraps {', '.join(unreadable)}. Put the text that it was wrapped with behind "
                "the newer ones in AUDIT_MASTER_KEYS and run this again."
            )
        if check and (keys.outdated or secrets.outdated):
            raise CommandError("Run manage.py gridkit_audit_rewrap before you take an old text away.")
