"""``manage.py gridkit_audit_seal``: seal the audit records that have no seal yet."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gridkit_django.audit.sealing import Sealed, seal_all
from gridkit_django.exceptions import AuditError


class Command(BaseCommand):
    """Seals the records of every database, once or again and again."""

    help = "Seals the audit records that have no seal yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on, with a pause of so many seconds")
        parser.add_argument(
            "--despite-break",
            action="store_true",
            help="go on behind a broken chain; verification will always show the break",
        )

    def handle(self, *_args: Any, every: float | None, despite_break: bool, **_options: Any) -> None:
        """Seal.

        Raises:
            CommandError: when a database can't be sealed.
        """
        try:
            self._tell(seal_all(despite=despite_break))
            while every is not None:
                time.sleep(every)
                self._tell(seal_all())
        except AuditError as error:
            raise CommandError(error.detail) from error
        except KeyboardInterrupt:
            return

    def _tell(self, done: dict[str, Sealed]) -> None:
        for alias, sealed in done.items():
            self.stdout.write(f"{alias}: {sealed.records} records in {sealed.seals} seals.")
