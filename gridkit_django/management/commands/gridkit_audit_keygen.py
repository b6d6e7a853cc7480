"""``manage.py gridkit_audit_keygen``: make a key that signs the seals of the audit trail."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gridkit_django.audit.signing import KeyFile, public_text
from gridkit_django.exceptions import AuditKeyError


class Command(BaseCommand):
    """Writes a new key into a file that only its owner may read, and prints its public half."""

    help = "Makes a key that signs the seals of the audit trail."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("path", help="the new file; - prints it, for a store of secrets")
        parser.add_argument("--replaces", help="the file (or env:NAME) of the key that it takes the place of")

    def handle(self, *_args: Any, path: str, replaces: str | None, **_options: Any) -> None:
        """Make the key.

        Raises:
            CommandError: when the file is there already or can't be written, or the old key can't be read.
        """
        try:
            text = KeyFile.new_text(KeyFile.read(replaces) if replaces else None)
            if path == "-":
                self.stdout.write(text, ending="")
                return
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
            signer = KeyFile.read(path).signer
        except (OSError, AuditKeyError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Key: {signer.key_id}")
        self.stdout.write(f"Public key: {public_text(signer.public_key)}")
        self.stdout.write(
            f"Set GRIDKIT['AUDIT_SIGNING_KEY'] to {path} where the sealer runs, keep a copy of the file in a safe "
            "place, and give the public key to those who verify."
        )
