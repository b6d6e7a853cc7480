"""A project that a test makes, in whose folder somebody types `manage.py` commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command

from tests.docs.pages import ROOT
from tests.servers.processes import ServerError, installed_environment


def start_project(folder: Path) -> None:
    """Make the project `mysite` in a folder, as `django-admin startproject mysite .` does."""
    call_command("startproject", "mysite", str(folder))


class Typist:
    """Types the commands of one project. Its settings are read once, when the first command is typed.

    Args:
        folder: where the project `mysite` is.
        env: variables that differ from those of the tests.
    """

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        known = installed_environment()
        found = {
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "PYTHONPATH": f"{folder}{os.pathsep}{known['PYTHONPATH']}",
        }
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "tests" / "docs" / "typist.py"],
            cwd=folder,
            env={**known, **found, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, fails: bool = False) -> str:
        """Run a command to its end and return what was printed; a failure is one unless it is expected."""
        status, printed = self._ask(words)
        assert bool(status) == fails, printed
        return str(printed)

    @contextmanager
    def at(self, log: Path, *words: str) -> Iterator[None]:
        """Have a command at work that goes on by itself and prints into a file; show that when the block fails."""
        pid = int(self._ask([str(log), words]))
        try:
            yield
        except BaseException as error:
            error.add_note(log.read_text(errors="replace"))
            raise
        finally:
            os.kill(pid, signal.SIGTERM)

    def end(self) -> None:
        """Send the typist home."""
        self._process.communicate()

    def _ask(self, message: Any) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise ServerError("there is nobody to type")
        self._process.stdin.write(f"{json.dumps(message)}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())
