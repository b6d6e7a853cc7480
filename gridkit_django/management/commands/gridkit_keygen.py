"""``manage.py gridkit_keygen``: make the key that signs your releases."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gridkit_django.marketplace.trust import author_key_id, make_author_key
from gridkit_django.marketplace.trust.keys import write_secret_file


class Command(BaseCommand):
    """Writes a new private key into a file that only its owner may read, and prints its public half."""

    help = "Makes the key that signs your releases."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("path", help="the new file")

    def handle(self, *_args: Any, path: str, **_options: Any) -> None:
        """Make the key.

        Raises:
            CommandError: when the file is there already or can't be written.
        """
        private, public = make_author_key()
        try:
            write_secret_file(Path(path), private)
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Key: {author_key_id(public)}")
        self.stdout.write(f"Public key: {public}")
        self.stdout.write(f"Keep {path} secret, and a copy of it in a safe place. It is in no repository and no log.")
