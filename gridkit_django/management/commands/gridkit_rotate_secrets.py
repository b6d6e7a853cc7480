"""``manage.py gridkit_rotate_secrets``: encrypt every stored secret with the newest key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gridkit_django.plugins import rotate_secrets


class Command(BaseCommand):
    """Encrypts the secrets in plugins' configurations with the newest key of the settings."""

    help = (
        "Encrypts every secret in the configurations of plugins, and in operations that wait for a worker, with the "
        "newest key of GRIDKIT's ENCRYPTION_KEYS (or SECRET_KEY). Run it after you put a new key in front; then the "
        "old one can go. Fails when a secret can't be decrypted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; fail when a secret is not encrypted with the newest key",
        )

    def handle(self, *, check: bool, **_options: Any) -> None:
        """Rotate, or only look.

        Raises:
            CommandError: when a secret can't be decrypted; with ``--check``, when one is not encrypted with the newest
                key.
        """
        report = rotate_secrets(write=not check)
        verb = "would be encrypted anew" if check else "were encrypted anew"
        self.stdout.write(f"{report.outdated} of {report.examined} rows {verb}.")
        if report.unreadable:
            places = "\n  ".join(report.unreadable)
            raise CommandError(
                f"No key of the settings decrypts secrets of:\n  {places}\n"
                "Put the key that they were encrypted with behind the new one in ENCRYPTION_KEYS (or in "
                "SECRET_KEY_FALLBACKS) and run this again; or enter the secrets again."
            )
        if check and report.outdated:
            raise CommandError("Run manage.py gridkit_rotate_secrets before you take an old key away.")
