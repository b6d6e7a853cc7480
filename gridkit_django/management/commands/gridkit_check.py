"""``manage.py gridkit_check``: look the plugins of this site over, or packages, without running any of their code."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.packaging import build_package, inspect_package, policy_of_site
from gridkit_django.plugins import SiteReport, plugin_manager


class Command(BaseCommand):
    """Prints what is wrong with sources, installed plugins, their configuration and their permissions.

    With packages it asks the gate of the marketplace about them instead.
    """

    help = "Looks the plugins of this site over, or packages, without running any of their code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "packages",
            nargs="*",
            help="wheels to ask the gate about; or folders of your own plugins: they are packed, which imports them",
        )
        parser.add_argument("--strict", action="store_true", help="end with status 1 when anything is found; for CI")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
        parser.add_argument(
            "--sources",
            action="store_true",
            help="look at the sources only, as if each were installed and active; needs no database",
        )

    def handle(
        self, *_args: Any, packages: list[str], strict: bool, as_json: bool, sources: bool, **_options: Any
    ) -> None:
        """Print the report.

        Raises:
            CommandError: when the database can't be asked, or the gate refuses a package; with ``--strict`` also when
                anything was found.
        """
        if packages:
            return self._check_packages([_judged(Path(path)) for path in packages], as_json=as_json)
        try:
            report = plugin_manager().check_site(sources_only=sources)
        except Error as error:
            raise CommandError(
                f"The database can't be asked: {error}. Run migrate first, or look at the sources only with --sources."
            ) from error
        self.stdout.write(json.dumps(report.as_dict(), indent=2) if as_json else _text(report))
        if strict and report.findings:
            raise CommandError(f"{len(report.findings)} found.")
        return None

    def _check_packages(self, told: list[dict[str, Any]], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"packages": told}, indent=2))
        else:
            self.stdout.write("\n".join(_package_text(item) for item in told))
        if refused := sum("code" in item for item in told):
            raise CommandError(f"{refused} of {len(told)} refused.")


def _judged(path: Path) -> dict[str, Any]:
    """Return what the gate says about a package."""
    try:
        if path.is_dir():
            found = build_package(path).inspected
        else:
            found = inspect_package(path.read_bytes(), filename=path.name, policy=policy_of_site())
    except GridKitError as error:
        return {"path": str(path), "code": error.code, "detail": error.detail, "entry": error.extra.get("entry", "")}
    except OSError as error:
        return {"path": str(path), "code": "package-unreadable", "detail": str(error), "entry": ""}
    permissions = list(found.manifest.required_permissions)
    about = {"id": found.plugin_id, "version": found.version, "digest": found.digest, "size": found.size}
    return {"path": str(path), **about, "files": len(found.files), "permissions": permissions}


def _package_text(item: dict[str, Any]) -> str:
    if "code" in item:
        return f"REFUSED {item['path']} [{item['code']}] {item['detail']}"
    asks = ", ".join(item["permissions"]) or "nothing"
    about = f"{item['id']} {item['version']}, {item['files']} files, {item['size']} bytes, asks for {asks}"
    return f"GOOD {item['path']}: {about}\n  {item['digest']}"


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
