"""`manage.py demo`: from nothing to the running product in one command."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from example_project.celery import app as celery_app
from example_project.flights.dataset import DatasetMissingError, dataset_folder
from example_project.flights.loader import load, plan
from example_project.flights.official import ensure_official_plugins
from example_project.flights.older import OlderDatabaseError, require_known
from example_project.flights.people import ROLES, Account, ensure_people
from example_project.flights.resume import resume_queued_exports
from example_project.market.stocking import ensure_market
from example_project.runner.address import PortTakenError, allow_host, base_url, check_free, tell_address
from example_project.runner.beside import beside_web, beside_worker
from example_project.runner.inside import InsideClock, InsideWeb, InsideWorker
from example_project.runner.parts import Part, PartFailedError, StopRequested, leave, run, stopping_by_signal
from gridkit_django.exceptions import GridKitError
from gridkit_django.tasks.marketplace import refresh_catalogues
from gridkit_django.tasks.sending import send

ADDRESSES = (
    ("Flights", "/gridkit/grids/flights/"),
    ("All grids", "/gridkit/"),
    ("Admin", "/admin/"),
    ("Plugins", "/admin/gridkit_django/installedplugin/marketplace/"),
    ("API", "/gridkit/api/grids/"),
    ("OpenAPI", "/gridkit/api/schema/"),
)


class Command(BaseCommand):
    """Prepares the database, then runs a web server and a Celery worker until Ctrl-C.

    Without ``REDIS_URL`` both run inside this process; with it, gunicorn and a Celery worker run beside it. Everything
    that the preparation finds done is left as it is, so that a second start is quick.
    """

    help = "Loads 336,776 flights, makes the demo users, installs the official plugins, starts the product."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address to listen on."""
        parser.add_argument("--port", type=int, default=8000, help="TCP port of the web server (8000)")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)")

    def handle(self, *_args: Any, host: str, port: int, **_options: Any) -> None:
        """Prepare, then serve until a signal comes.

        Raises:
            CommandError: when the port is taken, the data set is missing, the database is of an earlier state of the
                code, a plugin or a part fails.
        """
        with stopping_by_signal():
            try:
                self._demo(host, port)
            except StopRequested:
                self.stdout.write("\nThe demo has stopped.")
            except (PortTakenError, DatasetMissingError, OlderDatabaseError, PartFailedError, GridKitError) as error:
                raise CommandError(str(error)) from error

    def _demo(self, host: str, port: int) -> None:
        os.umask(0o077)  # the database, the key and the exported files are for this person alone
        check_free(host, port)
        allow_host(host)
        tell_address(base_url(host, port))
        accounts = self.prepare()
        parts = parts_for(host, port)
        try:
            run(parts, lambda: self._announce(base_url(host, port), accounts))
        finally:
            leave(parts)

    def prepare(self) -> list[Account]:
        """Migrate, load the data, make the users, install the plugins; each only where it is missing.

        Returns:
            The accounts of the demo.
        """
        require_known(connection)
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        self._load_flights()
        accounts = ensure_people(os.environ.get("GRIDKIT_DEMO_PASSWORD") or None)
        for plugin_id in ensure_official_plugins():
            self.stdout.write(f"Installed and activated {plugin_id}.")
        if listed := ensure_market(User.objects.get(username=ROLES[0].name)):
            self.stdout.write(f"Listed {len(listed)} releases in the demo's own marketplace.")
        return accounts

    def _load_flights(self) -> None:
        waiting = [table for table in plan(dataset_folder()) if not table.complete]
        if not waiting:
            return
        columns = (TextColumn("Loading {task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console()) as progress:
            for table in waiting:
                bar = progress.add_task(table.name, total=table.rows)
                load(table, progress=partial(progress.advance, bar))

    def _announce(self, base: str, accounts: list[Account]) -> None:
        """Print the addresses and the users."""
        if not settings.REDIS_URL:
            resume_queued_exports()
        send(refresh_catalogues, [], kwargs={"now": True})
        lines = ["", self.style.SUCCESS("GridKit is running. Ctrl-C stops it."), ""]
        lines += [f"  {label:<10} {base}{path}" for label, path in ADDRESSES]
        lines += ["", f"  {'User':<10} {'Password':<18} May"]
        lines += [f"  {item.role.name:<10} {item.password or '(see below)':<18} {item.role.does}" for item in accounts]
        if any(item.password is None for item in accounts):
            lines += ["", *_PASSWORD_ADVICE]
        self.stdout.write("\n".join([*lines, ""]))
        self.stdout.flush()


_PASSWORD_ADVICE = (
    "  Passwords were printed at the first start and can't be read back. To set new ones:",
    "  .venv/bin/python manage.py changepassword admin     or start with GRIDKIT_DEMO_PASSWORD=... for all three",
)


def parts_for(host: str, port: int) -> list[Part]:
    """Return the worker and the web server: beside this process when there is Redis to speak through, else inside."""
    memory = settings.VAR_DIR / "celerybeat-schedule"
    folder = Path(settings.BASE_DIR)
    if settings.REDIS_URL:
        return [beside_worker(celery_app, folder, memory), beside_web(host, port, folder)]
    return [InsideWorker(celery_app), InsideClock(celery_app, memory), InsideWeb(host, port)]
