"""``manage.py gridkit_market_advisory``: say to all sites that versions of a plugin turned out bad."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.trust import Advisory, AdvisoryAction, TrustRepository
from gridkit_django.marketplace.trust.feed import publish_advisories, published_feed


class Command(BaseCommand):
    """Publishes, withdraws and lists advisories of this site's own marketplace."""

    help = "Publishes, withdraws and lists advisories of this site's own marketplace."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the acts."""
        acts = parser.add_subparsers(dest="act", required=True)
        publish = acts.add_parser("publish", help="publish one, or put another in the place of one of the same id")
        publish.add_argument("id", help="names it, like GKA-2026-7")
        publish.add_argument("plugin", help="id of the plugin")
        publish.add_argument("versions", help="a range, like '<1.4.2'")
        publish.add_argument("action", choices=[item.value for item in AdvisoryAction])
        publish.add_argument("reason", help="one or two sentences")
        publish.add_argument("--url", default="", help="where more is told")
        acts.add_parser("withdraw", help="take one back").add_argument("id")
        acts.add_parser("list", help="list them")

    def handle(self, *_args: Any, act: str, **options: Any) -> None:
        """Do it.

        Raises:
            CommandError: when it can't be done; says why.
        """
        try:
            repository = TrustRepository.of_site()
            if act == "publish":
                feed = publish_advisories(repository, [_advisory(options)])
            elif act == "withdraw":
                feed = publish_advisories(repository, [], withdraw=[options["id"]])
            else:
                feed = published_feed(repository)
        except GridKitError as error:
            raise CommandError(f"[{error.code}] {error.detail}") from error
        for item in feed.advisories:
            self.stdout.write(f"{item.id} {item.action.value} {item.plugin_id} {item.versions}: {item.reason}")
        self.stdout.write(f"{len(feed.advisories)} advisories.")


def _advisory(options: dict[str, Any]) -> Advisory:
    facts = {name: options[name] for name in ("id", "plugin", "versions", "action", "reason", "url")}
    try:
        return Advisory.of({**facts, "published": timezone.now().isoformat(timespec="seconds")})
    except ValueError as error:
        raise CommandError(f"This is no advisory: {error}.") from error
