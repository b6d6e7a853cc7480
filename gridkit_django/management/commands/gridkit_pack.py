"""``manage.py gridkit_pack``: make a package of a plugin."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.packaging import build_package


class Command(BaseCommand):
    """Builds the wheel that a marketplace takes. The same folder gives the same bytes."""

    help = "Makes a package of a plugin: a wheel with the JSON Schema of its configuration."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("folder", nargs="?", default=".", help="the plugin's repository, or its folder (here)")
        parser.add_argument("--out", help="where the wheel goes (dist in the folder)")

    def handle(self, *_args: Any, folder: str, out: str | None, **_options: Any) -> None:
        """Build the wheel.

        Raises:
            CommandError: when there is no plugin, it can't be imported, or the gate refuses it.
        """
        place = Path(out) if out else Path(folder) / "dist"
        try:
            built = build_package(Path(folder))
            place.mkdir(parents=True, exist_ok=True)
            (place / built.filename).write_bytes(built.content)
        except GridKitError as error:
            raise CommandError(f"[{error.code}] {error.detail}") from error
        except OSError as error:
            raise CommandError(str(error)) from error
        found = built.inspected
        self.stdout.write(f"{place / built.filename}: {found.plugin_id} {found.version}, {found.size} bytes")
        self.stdout.write(f"Digest: {found.digest}")
