"""``manage.py gridkit_export``: write an export of a grid into a file, as a user, without a worker."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import GridKitError
from gridkit_django.exports import create_export, open_result, run_export
from gridkit_django.models import ExportJob, JobState
from gridkit_django.plugins import plugin_manager
from gridkit_django.typing import User


class Command(BaseCommand):
    """Makes the same job as every other door, and carries it out in this process."""

    help = "Writes an export of a grid into a file, with what a user may see."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("grid", help="id of the grid")
        parser.add_argument("output", help="the new file; - for the standard output")
        parser.add_argument("--user", required=True, help="name of the user who asks: the file has what they may see")
        parser.add_argument("--format", help="id of the format; by default the ending of the file's name")
        parser.add_argument("--query", type=_json, default={}, help="sort, filter, search, columns: JSON as over HTTP")
        parser.add_argument("--view", help="id of a saved view")
        parser.add_argument("--options", type=_json, default={}, help="options of the format: JSON")
        parser.add_argument("--rows", type=_rows, default="all", help="picked rows: JSON as over HTTP")

    def handle(self, *_args: Any, grid: str, output: str, **told: Any) -> None:
        """Write the file.

        Raises:
            CommandError: when the export is refused or fails, or the file is there already or can't be written.
        """
        if output != "-" and Path(output).exists():
            raise CommandError(f"{output} is there already. Name a new file.")
        user = _user(told["user"])
        plugin_manager().ensure_current()
        how = {key: told[key] for key in ("options", "rows", "view") if told[key] is not None}
        with acting(Actor.system("command"), EventSource.SYSTEM):
            try:
                job = create_export(grid, told["query"], told["format"] or _ending(output), user, **how, queue=False)
            except GridKitError as error:
                raise CommandError(error.detail) from error
        self._carry_out(job, user, output)

    def _carry_out(self, job: ExportJob, user: User, output: str) -> None:
        run_export(job.pk)
        job.refresh_from_db()
        if job.state != JobState.FINISHED:
            raise CommandError(f"{job.error_code}: {job.error_detail}" if job.error_code else f"It was {job.state}.")
        with open_result(job.pk, user, by="command").file as file:
            if output == "-":
                shutil.copyfileobj(file, sys.stdout.buffer)
                return
            try:
                with Path(output).open("xb") as target:
                    shutil.copyfileobj(file, target)
            except OSError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{job.rows_done} rows, {job.size} bytes: {output}")


def _json(text: str) -> Any:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ArgumentTypeError("expected a JSON object")
    return found


def _rows(text: str) -> Any:
    return text if text.isalpha() else _json(text)


def _ending(output: str) -> str:
    found = Path(output).suffix.removeprefix(".")
    if not found:
        raise CommandError("Name the format with --format: the file's name has no ending.")
    return found


def _user(name: str) -> User:
    model = get_user_model()
    try:
        found: User = model._default_manager.get_by_natural_key(name)
    except model.DoesNotExist as error:
        raise CommandError(f"There is no user {name!r}.") from error
    return found
