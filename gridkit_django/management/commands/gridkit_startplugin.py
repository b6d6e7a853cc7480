"""``manage.py gridkit_startplugin``: begin a plugin, in a repository that works."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.packaging import start_plugin_repository


class Command(BaseCommand):
    """Writes plugin, manifest, tests, a page of documentation and pyproject.toml."""

    help = "Begins a plugin: a repository with plugin, manifest, tests and documentation."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="of the plugin, like colours; or its whole id, like @acme/colours")
        parser.add_argument("--publisher", default="example", help="your publisher's name in the marketplace")
        parser.add_argument("--folder", default=".", help="where the new folder goes (here)")

    def handle(self, *_args: Any, name: str, publisher: str, folder: str, **_options: Any) -> None:
        """Write the repository.

        Raises:
            CommandError: for a name that can't be, or a folder that is there.
        """
        if name.startswith("@"):
            publisher, _, name = name.removeprefix("@").partition("/")
        try:
            target = start_plugin_repository(name, publisher, Path(folder))
        except (GridKitError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{target} is a plugin that works. Its tests: cd {target} && pytest")
        self.stdout.write(f"Pack it: manage.py gridkit_pack {target}")
