"""``manage.py gridkit_audit_triggers``: install, remove or check the triggers of strict mode, and guard the trail."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections

from gridkit_django.audit.barrier import Barrier
from gridkit_django.audit.policies import audit_policies
from gridkit_django.audit.triggers import Triggers, strict_labels
from gridkit_django.exceptions import AuditTriggerError
from gridkit_django.plugins import plugin_manager


class Command(BaseCommand):
    """Brings the triggers of a PostgreSQL database to what models and policies say, removes them, or compares."""

    help = "Installs, removes or checks the triggers by which PostgreSQL itself records the changes of strict models."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("action", choices=("install", "remove", "check"))
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database")
        parser.add_argument("--dry-run", action="store_true", help="print the SQL and change nothing")
        parser.add_argument("--force", action="store_true", help="remove although the settings say strict")

    def handle(self, *_args: Any, action: str, database: str, dry_run: bool, force: bool, **_options: Any) -> None:
        """Do what is asked for.

        Raises:
            CommandError: when it can't be done, or a check finds a difference.
        """
        if database not in connections:
            raise CommandError(f"There is no database {database!r}; there are: {', '.join(connections)}.")
        try:
            plugin_manager().follow()
            triggers = Triggers(connections[database], audit_policies().table)
            if action == "check":
                self._check(triggers)
            elif action == "install":
                self._install(triggers, Barrier(connections[database]), dry_run=dry_run)
            else:
                self._remove(triggers, dry_run=dry_run, force=force)
        except AuditTriggerError as error:
            raise CommandError(error.detail) from error
        except Error as error:
            raise CommandError(f"The database refuses: {error}") from error

    def _check(self, triggers: Triggers) -> None:
        faults = triggers.drift()
        if faults:
            told = "\n".join(f"  {fault}" for fault in faults)
            raise CommandError(f"The triggers are not as they should be:\n{told}\nRun: gridkit_audit_triggers install")
        self.stdout.write(f"{len(triggers.expected())} triggers are as they should be.")

    def _install(self, triggers: Triggers, barrier: Barrier, *, dry_run: bool) -> None:
        if dry_run:
            self._print([*triggers.installation(), *barrier.revocation()])
            return
        statements = triggers.install()
        made = sum(1 for text in statements if text.startswith("CREATE OR REPLACE TRIGGER"))
        self.stdout.write(f"{made} triggers installed." if statements else "The triggers are as they should be.")
        for line in barrier.revoke():
            self.stdout.write(line)

    def _remove(self, triggers: Triggers, *, dry_run: bool, force: bool) -> None:
        statements = triggers.removal()
        if dry_run:
            self._print(statements)
            return
        strict = sorted(strict_labels(audit_policies().table))
        if strict and not force:
            raise CommandError(
                f"These models are strict: {', '.join(strict)}. Running processes count on the triggers: take 'strict' "
                "out of GRIDKIT['AUDIT_MODELS'], restart them, and then remove. --force removes all the same."
            )
        self.stdout.write(f"{len(triggers.remove())} triggers removed.")

    def _print(self, statements: Sequence[str]) -> None:
        self.stdout.write("".join(f"{statement};\n\n" for statement in statements) or "Nothing would be changed.")
