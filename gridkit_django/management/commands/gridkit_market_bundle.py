"""``manage.py gridkit_market_bundle``: gather plugins for a site without a network."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.client.remotes import Remote, remote_named
from gridkit_django.marketplace.packaging import import_package_of
from gridkit_django.marketplace.trust import HttpChannel
from gridkit_django.marketplace.trust.bundles import make_bundle


class Command(BaseCommand):
    """Writes one file with signed metadata, packages, advisories and listings, each verified on the way."""

    help = "Gathers plugins of a marketplace in one file, for a site without a network."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("path", help="the new file")
        parser.add_argument("plugins", nargs="+", help="id and version, like @acme/colours==1.0.0")
        parser.add_argument("--marketplace", required=True, help="its name in GRIDKIT's MARKETPLACES")

    def handle(self, *_args: Any, path: str, plugins: list[str], marketplace: str, **_options: Any) -> None:
        """Write the bundle.

        Raises:
            CommandError: when the marketplace does not answer, or its metadata is not to be believed.
        """
        wanted = dict(_wheel(text) for text in plugins)
        try:
            remote = remote_named(marketplace)
            channel = HttpChannel(remote.place())
            bundle = make_bundle(channel, _root(remote), wanted, listings=sorted(set(wanted.values())))
            channel.close()
            Path(path).write_bytes(bundle.content)
        except GridKitError as error:
            raise CommandError(f"[{error.code}] {error.detail}") from error
        except OSError as error:
            raise CommandError(str(error)) from error
        for target in bundle.targets:
            self.stdout.write(f"{target.name} {target.digest}")
        self.stdout.write(f"{path}: {len(bundle.content)} bytes")


def _root(remote: Remote) -> bytes:
    if not remote.root:
        raise CommandError(
            f"The marketplace {remote.alias!r} has no root in GRIDKIT's MARKETPLACES: where trust begins."
        )
    return Path(remote.root).read_bytes()


def _wheel(text: str) -> tuple[str, str]:
    """Return the name of the wheel and the id of the plugin."""
    plugin_id, mark, version = text.partition("==")
    if not mark or not version:
        raise CommandError(f"{text!r} names no version. Write it like @acme/colours==1.0.0.")
    try:
        return f"{import_package_of(plugin_id)}-{version}-py3-none-any.whl", plugin_id
    except GridKitError as error:
        raise CommandError(error.detail) from error
