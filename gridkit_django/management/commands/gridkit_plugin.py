"""Change plugins from the command line, by the same operations as the admin and the API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gridkit_django.exceptions import GridKitError
from gridkit_django.models import OperationKind, OperationState, PluginOperation
from gridkit_django.plugins import request_operation, run_operation
from gridkit_django.plugins.remote import PREFIX


class Command(BaseCommand):
    """Install or update a plugin of a marketplace in this process."""

    help = "Install or update a plugin of a marketplace, and wait for it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the acts."""
        acts = parser.add_subparsers(dest="act", required=True)
        install = acts.add_parser("install", help="install a plugin of a marketplace")
        install.add_argument("--no-activate", action="store_true", help="install it and do not start it")
        update = acts.add_parser("update", help="update a plugin of a marketplace")
        for act in (install, update):
            act.add_argument("plugin", help="its id, like @acme/colours")
            act.add_argument("--release", help="exactly this release; left out: the newest that fits")
            act.add_argument("--grant", action="append", default=[], help="a permission to grant; may be repeated")
            act.add_argument("--switch-anyway", action="store_true", help="do not wait for hosts that are not ready")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it.

        Raises:
            CommandError: when it failed; says why.
        """
        try:
            operation = _requested(options)
            run_operation(operation.pk)
        except GridKitError as error:
            raise CommandError(error.detail) from error
        operation.refresh_from_db()
        for line in operation.log:
            self.stdout.write(line["text"])
        if operation.state != OperationState.FINISHED:
            raise CommandError(f"{operation.error_detail} ({operation.error_code})")


def _requested(options: dict[str, Any]) -> PluginOperation:
    plugin_id, kind = options["plugin"], OperationKind(options["act"])
    arguments: dict[str, Any] = {"grants": options["grant"]}
    if options["release"]:
        arguments["version"] = options["release"]
    if kind is OperationKind.INSTALL:
        arguments |= {"source": f"{PREFIX}{plugin_id}", "activate": not options["no_activate"]}
    return request_operation(kind, plugin_id, arguments, user=None, switch_anyway=options["switch_anyway"])
