"""``manage.py gridkit_uninstall``: take GridKit's tables, triggers and functions out of a database."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections

from gridkit_django.audit.leaving import Leaving, drop_functions, take_triggers_away, what_would_go


class Command(BaseCommand):
    """Tells what would go, and with ``--yes`` takes it away in the order in which nothing of the project breaks."""

    help = (
        "Takes GridKit's tables, triggers and functions out of a database. Without --yes it only tells what would go."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database")
        parser.add_argument("--yes", action="store_true", help="do it; audit records, too, are gone for ever")

    def handle(self, *_args: Any, database: str, yes: bool, **_options: Any) -> None:
        """Tell, or do it.

        Raises:
            CommandError: when there is no such database or nothing in it, or a legal hold stands.
        """
        if database not in connections:
            raise CommandError(f"There is no database {database!r}; there are: {', '.join(connections)}.")
        try:
            found = what_would_go(database)
        except Error as error:
            raise CommandError(f"GridKit's tables can't be read here, so nothing was done: {error}") from error
        self._tell(found)
        if found.holds and yes:
            raise CommandError(f"Legal holds stand: {', '.join(found.holds)}. Release them first; nothing was done.")
        if yes:
            self._leave(database)
        else:
            self.stdout.write("Nothing was done. Archive the trail if you must keep it, stop the site, then add --yes.")

    def _tell(self, found: Leaving) -> None:
        self.stdout.write(
            f"All tables of GridKit, with {found.records} audit records, and the triggers of strict models "
            f"({found.triggers} functions)."
        )

    def _leave(self, database: str) -> None:
        taken = take_triggers_away(database)
        self.stdout.write(f"{taken} trigger functions removed from the project's tables.")
        call_command("migrate", "gridkit_django", "zero", database=database, verbosity=0, interactive=False)
        self.stdout.write(f"Tables removed, and {drop_functions(database)} functions.")
        self.stdout.write(
            "Now take gridkit_django and gridkit_plugins out of INSTALLED_APPS, MIDDLEWARE, the addresses and the "
            "schedule, deploy, and run manage.py remove_stale_contenttypes."
        )
