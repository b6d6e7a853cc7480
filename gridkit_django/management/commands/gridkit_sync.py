"""Bring the plugins of marketplaces onto this host before its processes start: for images and new containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.client.locking import locked_plugins, read_lock, unpack_locked, write_lock


class Command(BaseCommand):
    """Unpack the plugins of marketplaces on this host, or write the lock file that says which they are."""

    help = "Unpack the plugins of marketplaces on this host, by a lock file or by what is installed."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--lock", type=Path, help="unpack what this lock file names")
        parser.add_argument("--write", type=Path, help="write the lock file of this site, and unpack nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it.

        Raises:
            CommandError: when a file can't be read, or a plugin is not kept.
        """
        try:
            if options["write"] is not None:
                self.stdout.write(f"{write_lock(options['write'])} plugins in {options['write']}.")
                return
            plugins = read_lock(options["lock"]) if options["lock"] is not None else locked_plugins()
            for line in unpack_locked(plugins):
                self.stdout.write(line)
        except (GridKitError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(plugins)} plugins are on this host.")
