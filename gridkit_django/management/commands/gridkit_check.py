"""``manage.py gridkit_check``: look the plugins of this site over, without running any of their code."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from gridkit_django.plugins import SiteReport, plugin_manager


class Command(BaseCommand):
    """Prints what is wrong with sources, installed plugins, their configuration and their permissions."""

    help = "Looks the plugins of this site over without running any of their code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--strict", action="store_true", help="end with status 1 when anything is found; for CI")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
        parser.add_argument(
            "--sources",
            action="store_true",
            help="look at the sources only, as if each were installed and active; needs no database",
        )

    def handle(self, *_args: Any, strict: bool, as_json: bool, sources: bool, **_options: Any) -> None:
        """Print the report.

        Raises:
            CommandError: when the database can't be asked; with ``--strict`` also when anything was found.
        """
        try:
            report = plugin_manager().check_site(sources_only=sources)
        except Error as error:
            raise CommandError(
                f"The database can't be asked: {error}. Run migrate first, or look at the sources only with --sources."
            ) from error
        self.stdout.write(json.dumps(report.as_dict(), indent=2) if as_json else _text(report))
        if strict and report.findings:
            raise CommandError(f"{len(report.findings)} found.")


def _text(report: SiteReport) -> str:
    lines = [f"GridKit {report.core_version}: {_count(report)}"]
    if report.safe_mode:
        lines.append("Safe mode: this process runs no plugins.")
    if report.plan.order:
        lines.append(f"Start order: {', '.join(report.plan.order)}")
    found = report.findings
    lines += [f"{item.level.upper()} {item.source or item.plugin} [{item.code}] {item.detail}" for item in found]
    return "\n".join([*lines, f"{len(found)} found."])


def _count(report: SiteReport) -> str:
    runs = len(report.plan.order)
    if report.installed is None:
        return f"{report.sources} sources, {runs} of their plugins fit together."
    return f"{report.sources} sources, {report.installed} plugins installed, {runs} can run."
