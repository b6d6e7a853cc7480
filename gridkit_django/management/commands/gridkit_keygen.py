"""``manage.py gridkit_keygen``: make the key that signs your releases, or a new one in the place of an old one."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.author import rotate_key
from gridkit_django.marketplace.trust import HttpPlace, author_key_id, make_author_key
from gridkit_django.marketplace.trust.keys import write_secret_file

TOKEN = "GRIDKIT_PUBLISH_TOKEN"  # noqa: S105 -- the name of a variable


class Command(BaseCommand):
    """Writes a new private key into a file that only its owner may read, and prints its public half."""

    help = "Makes the key that signs your releases; with --rotate, lets it take the place of an old one."
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Refuse abbreviated options: ``--token`` would be taken for ``--token-file``, and its value shown."""
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("path", help="the new file")
        parser.add_argument("--rotate", metavar="OLD", help="file of the key that signs now; it introduces the new one")
        parser.add_argument("--publisher", default="", help="whose keys, such as acme")
        parser.add_argument("--to", default="", help="address of the marketplace")
        parser.add_argument("--token-file", help=f"file that holds a token with the scope keys; else it is in {TOKEN}")
        parser.add_argument("--keep-old", action="store_true", help="let the old key sign on, too")
        parser.add_argument(
            "--stolen-since", help="when somebody else got the old key, like 2026-11-27T10:00: it is revoked as of then"
        )
        parser.add_argument("--ca-file", default="", help="certificates of your own authority")
        parser.add_argument("--proxy", default="", help="address of an HTTP proxy")

    def handle(self, *_args: Any, path: str, rotate: str | None = None, **options: Any) -> None:
        """Make the key; with an old one, let it take its place.

        Raises:
            CommandError: when the file is there already or can't be written, or the marketplace says no.
        """
        private, public = make_author_key()
        try:
            old = _old(rotate, options) if rotate else b""
            write_secret_file(Path(path), private)
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Key: {author_key_id(public)}")
        self.stdout.write(f"Public key: {public}")
        self.stdout.write(f"Keep {path} secret, and a copy of it in a safe place. It is in no repository and no log.")
        if rotate:
            self._rotate(old, private, options)

    def _rotate(self, old: bytes, private: bytes, options: dict[str, Any]) -> None:
        place = HttpPlace(options["to"], _token(options["token_file"]), options["ca_file"], options["proxy"])
        publisher = options["publisher"].removeprefix("@")
        since = _moment(options["stolen_since"])
        try:
            found = rotate_key(place, publisher, old, private, keep=options["keep_old"], stolen_since=since)
        except GridKitError as error:
            code = error.extra.get("code") or error.code
            raise CommandError(f"[{code}] {error.detail} The new key is made; look whether it signs.") from error
        for key, item in found.keys.items():
            state = {"": "signs", "retire": "retired", "revoke": "revoked"}[item.ended]
            self.stdout.write(f"  {author_key_id(key)}: {state}{f' as of {item.ended_at[:16]}' if item.ended else ''}")


def _old(rotate: str, options: dict[str, Any]) -> bytes:
    """Return the old key, when all that a rotation needs is there.

    Raises:
        CommandError: when something is missing.
        OSError: when the file can't be read.
    """
    if not options.get("to") or not options.get("publisher"):
        raise CommandError("--rotate needs --to (the marketplace) and --publisher (whose keys).")
    _moment(options.get("stolen_since"))
    _token(options.get("token_file"))
    return Path(rotate).read_bytes()


def _token(file: str | None) -> str:
    text = Path(file).read_text(encoding="utf-8") if file else os.environ.get(TOKEN, "")
    if not text.strip():
        raise CommandError(
            f"Set {TOKEN} in the environment, or name a file. A token is never given on the command line."
        )
    return text.strip()


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"{text!r} is no time; it is like 2026-11-27T10:00.")
    return make_aware(found) if is_naive(found) else found
