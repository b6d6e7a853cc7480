"""``manage.py gridkit_audit_partition``: the form of the record table on PostgreSQL."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections
from django.template.defaultfilters import filesizeformat

from gridkit_django.audit.partitions import (
    Conversion,
    Reversal,
    faults_of,
    figures_of,
    make_ahead,
    remove_leftover,
    require_postgres,
)
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditPartitionError

_TAKEN_AWAY = "What a conversion that was killed has left is taken away."


class Command(BaseCommand):
    """Partitions the record table, makes partitions ahead, puts the table together again, or tells how it is."""

    help = "Splits the table of audit records (PostgreSQL) into partitions, which a purge can drop as a whole."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("action", choices=("state", "convert", "ahead", "undo"), nargs="?", default="state")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database")
        parser.add_argument("--records", type=int, help="convert: ids in a partition; about a month's when left out")
        parser.add_argument("--dry-run", action="store_true", help="convert, undo: print the SQL and change nothing")

    def handle(
        self, *_args: Any, action: str, database: str, records: int | None, dry_run: bool, **_options: Any
    ) -> None:
        """Do what is asked for.

        Raises:
            CommandError: when it can't be done.
        """
        if database not in connections:
            raise CommandError(f"There is no database {database!r}; there are: {', '.join(connections)}.")
        if records is not None and records < 1:
            raise CommandError("--records takes a number from 1 up.")
        try:
            require_postgres(connections[database])
            with acting(Actor.system("partitions"), EventSource.SYSTEM):
                if action == "convert":
                    self._convert(database, records, dry_run=dry_run)
                elif action == "undo":
                    self._undo(database, dry_run=dry_run)
                elif action == "ahead" and not dry_run:
                    made = make_ahead(database)
                    self.stdout.write(f"Made: {', '.join(made)}" if made else "Enough partitions are there.")
            self._state(database)
        except AuditPartitionError as error:
            raise CommandError(error.detail) from error

    def _convert(self, alias: str, records: int | None, *, dry_run: bool) -> None:
        if not dry_run and remove_leftover(alias):
            self.stdout.write(_TAKEN_AWAY)
        conversion = Conversion(alias, size=records)
        if dry_run:
            self._print([*conversion.proof, *conversion.statements])
            return
        conversion.run()
        self.stdout.write("The table of audit records is partitioned.")

    def _undo(self, alias: str, *, dry_run: bool) -> None:
        if not dry_run and remove_leftover(alias):
            self.stdout.write(_TAKEN_AWAY)
            return
        reversal = Reversal(alias)
        self.stdout.write(f"{reversal.copied} records have to be copied; nobody can write records meanwhile.")
        if dry_run:
            self._print(reversal.statements)
            return
        reversal.run()

    def _state(self, alias: str) -> None:
        figures = figures_of(alias)
        if not figures:
            self.stdout.write("The table of audit records is in one piece.")
        for item in figures:
            times = [f"{moment:%Y-%m-%d %H:%M}" for moment in (item.since, item.until) if moment]
            ids = "all ids after them" if item.part.is_rest else f"ids up to {item.part.last}"
            size = filesizeformat(item.part.bytes).replace("\xa0", " ")
            told = f"about {item.rows} records, {' to '.join(times)}" if times else "empty"
            self.stdout.write(f"{item.part.name}: {ids}, {told}, {size}")
        for fault in faults_of(alias):
            self.stderr.write(fault)

    def _print(self, statements: Sequence[str]) -> None:
        self.stdout.write("".join(f"{statement};\n" for statement in statements))
