"""``manage.py gridkit_advise``: name the indexes that grids need and the database lacks."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from gridkit_django.exceptions import GridError
from gridkit_django.grids import Grid, grid_registry
from gridkit_django.grids.advisor import Advice, advise


class Command(BaseCommand):
    """Prints the lacking indexes, ready to be put into ``Meta.indexes`` of the models. It changes nothing."""

    help = "Names the indexes that the sorts, filters and searches of grids need and the database lacks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--grid", action="append", default=[], help="id of a grid; may be given several times")
        parser.add_argument("--sorts", action="store_true", help="judge each sortable column, not only default sorts")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON list")

    def handle(self, *_args: Any, grid: list[str], sorts: bool, as_json: bool, **_options: Any) -> None:
        """Print the advice.

        Raises:
            CommandError: for an unknown or wrongly declared grid, and when the database can't be asked.
        """
        try:
            grids = [grid_registry().get(name) for name in grid] if grid else list(grid_registry().all())
            found = [advice for each in grids for advice in advise(each, sorts=sorts)]
        except GridError as error:
            raise CommandError(error.detail) from error
        except Error as error:
            raise CommandError(f"The database can't be asked: {error}. Run migrate first.") from error
        self.stdout.write(json.dumps([item.as_dict() for item in found], indent=2) if as_json else _text(grids, found))


def _text(grids: list[type[Grid]], found: list[Advice]) -> str:
    lines = []
    for item in found:
        lines.append(f"{item.grid}: the {item.purpose} {', '.join(item.columns)}")
        lines += [f"  {item.model}: {item.index}"] if item.index else []
        lines += [f"  {item.note}"] if item.note else []
    lacking = sum(1 for item in found if item.index)
    return "\n".join([*lines, f"{len(grids)} grids, {lacking} indexes lacking."])
