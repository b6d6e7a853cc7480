"""``manage.py gridkit_types``: TypeScript types of the grids of this site."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from gridkit_django.exceptions import GridNotFoundError
from gridkit_django.grids import Grid, MethodSpec, grid_registry, method_provider
from gridkit_django.grids.typescript import grid_types


class Command(BaseCommand):
    """Writes types that compile under ``strict``, the same text for the same grids."""

    help = "Writes TypeScript types of the declared grids: rows, columns, filters, sorts, edits and methods."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--grid", action="append", default=[], metavar="ID", help="only this grid; may be given several times"
        )
        parser.add_argument("--output", type=Path, metavar="FILE", help="write to this file instead of the screen")
        parser.add_argument(
            "--check", action="store_true", help="write nothing; end with status 1 when FILE is not up to date; for CI"
        )
        parser.add_argument(
            "--without-methods", action="store_true", help="leave the methods of plugins out; needs no database"
        )

    def handle(
        self,
        *_args: Any,
        grid: list[str],
        output: Path | None,
        check: bool,
        without_methods: bool,
        **_options: Any,
    ) -> None:
        """Write, print or compare the types.

        Raises:
            CommandError: for a grid that is not there, a database that can't be asked, a file that can't be written
                and, with ``--check``, one that is not up to date.
        """
        if check and output is None:
            raise CommandError("--check compares with a file: name it with --output.")
        text = grid_types([(found, () if without_methods else _methods(found)) for found in _chosen(grid)])
        if output is None:
            self.stdout.write(text, ending="")
        elif check:
            _compare(output, text)
        else:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(text, encoding="utf-8", newline="\n")
            self.stderr.write(f"Wrote {output}.")


def _chosen(ids: Iterable[str]) -> tuple[type[Grid], ...]:
    try:
        named = tuple(grid_registry().get(grid_id) for grid_id in dict.fromkeys(ids))
    except GridNotFoundError as error:
        known = ", ".join(grid.options.id for grid in grid_registry().all()) or "none"
        raise CommandError(f"{error.detail} There are: {known}.") from error
    return named or grid_registry().all()


def _methods(grid: type[Grid]) -> Iterable[MethodSpec]:
    try:
        return tuple(method_provider().methods_for(grid.options.id))
    except Error as error:
        raise CommandError(
            f"The database can't be asked which plugins are active: {error}. Run migrate first, or leave the methods "
            "out with --without-methods."
        ) from error


def _compare(file: Path, text: str) -> None:
    try:
        current = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        current = ""
    if current != text:
        raise CommandError(f"{file} is not up to date. Run the command without --check and commit the file.")
