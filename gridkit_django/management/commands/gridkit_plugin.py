"""Change plugins from the command line, by the same operations as the admin and the API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.client import InstallPlan, make_install_plan
from gridkit_django.models import AutoUpdate, OperationKind, OperationState, PluginOperation
from gridkit_django.plugins import plugin_manager, request_operation, run_operation
from gridkit_django.plugins.install import ALL
from gridkit_django.plugins.remote import PREFIX


class Command(BaseCommand):
    """Change one plugin in this process."""

    help = "Install or update a plugin of a marketplace, choose which updates come by themselves, pin it, or go back."

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
            act.add_argument("--dry-run", action="store_true", help="say what would be done, and why; do nothing")
            act.add_argument(
                "--with",
                action="append",
                default=[],
                dest="peers",
                metavar="PLUGIN",
                help="a plugin that may come along, with all that it asks for; may be repeated",
            )
            act.add_argument("--switch-anyway", action="store_true", help="do not wait for hosts that are not ready")
        update.add_argument(
            "--canary-seconds",
            type=int,
            help="let one process try it first for so long; 0 for all at once; left out: as the site does",
        )
        good = acts.add_parser("known-good", help="bring the last known good state back")
        good.add_argument("plugin", help="its id, like @acme/colours")
        pin = acts.add_parser("pin", help="hold a plugin at the version in use: nothing updates it")
        pin.add_argument("plugin", help="its id, like @acme/colours")
        pin.add_argument("note", help="why")
        unpin = acts.add_parser("unpin", help="let a pinned plugin be updated again")
        unpin.add_argument("plugin", help="its id, like @acme/colours")
        policy = acts.add_parser("auto-update", help="choose which newer releases come by themselves")
        policy.add_argument("plugin", help="its id, like @acme/colours")
        policy.add_argument("policy", choices=["site", *AutoUpdate.values])

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it.

        Raises:
            CommandError: when it failed; says why.
        """
        try:
            if options["act"] == "auto-update":
                self._choose(options)
            elif options["act"] in ("pin", "unpin"):
                self._hold(options)
            elif options["act"] == "known-good":
                found = plugin_manager().go_back_to_known_good(options["plugin"])
                self.stdout.write(f"{options['plugin']} runs {found.version} again, as it stood then.")
            elif options["dry_run"]:
                self._tell(make_install_plan(options["plugin"], options["release"]))
            else:
                self._carry_out(_requested(options))
        except GridKitError as error:
            raise CommandError(error.detail) from error

    def _choose(self, options: dict[str, Any]) -> None:
        policy = "" if options["policy"] == "site" else options["policy"]
        found = plugin_manager().set_auto_update(options["plugin"], policy)
        self.stdout.write(f"{options['plugin']}: {AutoUpdate(found.auto_update).label}.")

    def _hold(self, options: dict[str, Any]) -> None:
        if options["act"] == "pin":
            found = plugin_manager().pin_plugin(options["plugin"], options["note"])
            self.stdout.write(f"{options['plugin']} is pinned to {found.version}: {options['note']}")
        else:
            plugin_manager().unpin_plugin(options["plugin"])
            self.stdout.write(f"{options['plugin']} can be updated again.")

    def _carry_out(self, operation: PluginOperation) -> None:
        """Run an operation and tell its log.

        Raises:
            CommandError: when it failed; says why.
        """
        run_operation(operation.pk)
        operation.refresh_from_db()
        for line in operation.log:
            self.stdout.write(line["text"])
        if operation.state != OperationState.FINISHED:
            raise CommandError(f"{operation.error_detail} ({operation.error_code})")

    def _tell(self, plan: InstallPlan) -> None:
        """Write a plan.

        Raises:
            ReleaseUnfitError: when no release can be installed; says of each why.
        """
        release = plan.chosen()
        for verdict in plan.verdicts:
            if verdict.reasons:
                self.stdout.write(f"Not {verdict.version}: {'; '.join(verdict.reasons)}.")
        for peer in plan.peers:
            named = f"{peer.plugin_id} {peer.release.version}"
            self.stdout.write(f"{named} would come along: {peer.needed_by} needs it ({peer.versions}).")
            self.stdout.write(" ".join((*peer.warnings, peer.sentence)))
        instead = f" in the place of {plan.installed}" if plan.installed else ""
        self.stdout.write(f"{plan.listing.id} {release.version} would be installed{instead}.")
        self.stdout.write(" ".join((*plan.warnings, plan.sentence)))


def _requested(options: dict[str, Any]) -> PluginOperation:
    plugin_id, kind = options["plugin"], OperationKind(options["act"])
    peers = [{"id": name, "grants": ALL} for name in options["peers"]]
    arguments: dict[str, Any] = {"grants": options["grant"], "peers": peers}
    if options["release"]:
        arguments["version"] = options["release"]
    if options.get("canary_seconds") is not None:
        arguments["canary_seconds"] = options["canary_seconds"]
    if kind is OperationKind.INSTALL:
        arguments |= {"source": f"{PREFIX}{plugin_id}", "activate": not options["no_activate"]}
    return request_operation(kind, plugin_id, arguments, user=None, switch_anyway=options["switch_anyway"])
