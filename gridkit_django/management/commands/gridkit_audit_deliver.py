"""``manage.py gridkit_audit_deliver``: send sealed audit records to the destinations that lack them."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gridkit_django.audit.sealing import sealed_aliases
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.plugins import deliver_trail, plugin_manager


class Command(BaseCommand):
    """Delivers once, or again and again."""

    help = "Sends the sealed audit records to each destination that lacks them and is due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--database", help="of these records only; of all databases that hold some otherwise")
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on, with a pause of so many seconds")

    def handle(self, *_args: Any, database: str | None, every: float | None, **_options: Any) -> None:
        """Deliver; a destination that fails is told and does not stop the others."""
        try:
            is_done = self._deliver(database)
            while every is not None:
                if is_done:
                    time.sleep(every)
                is_done = self._deliver(database)
        except KeyboardInterrupt:
            return

    def _deliver(self, database: str | None) -> bool:
        """Deliver for a while, and say whether nothing is left that could be sent now."""
        plugin_manager().ensure_current()
        is_done = True
        with acting(Actor.system("delivery"), EventSource.SYSTEM):
            for using in [database] if database else sealed_aliases():
                for report in deliver_trail(plugin_manager().runtime, using=using):
                    told = f" It stopped: {report.error}" if report.error else ""
                    self.stdout.write(f"{report.name}: {report.records} records.{told}")
                    is_done = is_done and report.is_done
        return is_done
