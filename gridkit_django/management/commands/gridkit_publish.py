"""``manage.py gridkit_publish``: sign a package and upload it to a marketplace."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.author import (
    LocalFront,
    PublishedRelease,
    read_front,
    release_state,
    send_front,
    upload_release,
)
from gridkit_django.marketplace.packaging import BuiltPackage, build_package, inspect_package, policy_of_site
from gridkit_django.marketplace.trust import HttpPlace

TOKEN = "GRIDKIT_PUBLISH_TOKEN"  # noqa: S105 -- the name of a variable
KEY = "GRIDKIT_PUBLISH_KEY"
_SETTLED = frozenset({"quarantined", "published", "yanked", "removed"})
_PAUSE = 2.0
_MEANINGS = {
    "checking": "the marketplace is looking it over",
    "quarantined": "it waits for a person, or a check failed; it is not public",
    "published": "everybody can install it",
}


class Command(BaseCommand):
    """Uploads one release. The token comes from a variable or a file, never from the command line."""

    help = "Signs a package and uploads it to a marketplace."
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Refuse abbreviated options: ``--token`` would be taken for ``--token-file``, and its value shown."""
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("package", help="a wheel, or the folder of a plugin, which is packed first")
        parser.add_argument("--to", required=True, help="address of the marketplace")
        parser.add_argument("--key", help=f"file of your private key; else its content is in {KEY}")
        parser.add_argument("--token-file", help=f"file that holds your token; else it is in {TOKEN}")
        parser.add_argument("--notes", default="", help="what changed, in Markdown; else CHANGELOG.md of the package")
        parser.add_argument("--market", help="folder that holds the folder market; else that of the plugin")
        parser.add_argument("--no-market", action="store_true", help="send no pictures and no texts of the page")
        parser.add_argument("--ca-file", default="", help="certificates of your own authority")
        parser.add_argument("--proxy", default="", help="address of an HTTP proxy")
        parser.add_argument(
            "--wait", type=int, default=60, help="seconds to wait for the checks (60; 0 for not at all)"
        )

    def handle(self, *_args: Any, package: str, wait: int, **options: Any) -> None:
        """Publish.

        Raises:
            CommandError: when the gate or the marketplace says no, or the key or the token is missing.
        """
        try:
            built = _read(Path(package))
            front = None if options["no_market"] else _front(Path(options["market"] or package))
            place = HttpPlace(
                options["to"],
                _secret(options["token_file"], TOKEN).decode().strip(),
                options["ca_file"],
                options["proxy"],
            )
            key = _secret(options["key"], KEY)
            found = upload_release(place, built, key, notes=options["notes"] or built.inspected.changelog)
            self._tell(found)
            if front is not None:
                for line in send_front(place, found.plugin_id, front):
                    self.stdout.write(f"  page: {line}")
            self._follow(place, found, wait)
        except GridKitError as error:
            raise CommandError(f"[{error.extra.get('code') or error.code}] {error.detail}") from error
        except OSError as error:
            raise CommandError(str(error)) from error

    def _follow(self, place: HttpPlace, found: PublishedRelease, wait: int) -> None:
        end = time.monotonic() + wait
        while found.state not in _SETTLED and time.monotonic() < end:
            time.sleep(min(_PAUSE, wait))
            before, found = found, release_state(place, found.plugin_id, found.version)
            if found.state != before.state:
                self._tell(found)

    def _tell(self, found: PublishedRelease) -> None:
        meaning = _MEANINGS.get(found.state, "")
        self.stdout.write(f"{found.plugin_id} {found.version}: {found.state}{f' ({meaning})' if meaning else ''}")
        for check in found.facts.get("checks") or ():
            if isinstance(check, dict):
                self.stdout.write(
                    f"  {check.get('name', '')}: {check.get('result', '')} {check.get('detail', '')}".rstrip()
                )


def _read(path: Path) -> BuiltPackage:
    if path.is_dir():
        return build_package(path)
    content = path.read_bytes()
    return BuiltPackage(path.name, content, inspect_package(content, filename=path.name, policy=policy_of_site()))


def _front(folder: Path) -> LocalFront | None:
    return read_front(folder) if folder.is_dir() else None


def _secret(file: str | None, variable: str) -> bytes:
    """Return a secret from a file or a variable.

    Raises:
        CommandError: when there is neither.
        OSError: when the file can't be read.
    """
    if file:
        return Path(file).read_bytes()
    if value := os.environ.get(variable):
        return value.encode()
    raise CommandError(
        f"Set {variable} in the environment, or name a file. A secret is never given on the command line."
    )
