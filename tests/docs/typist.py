"""Runs `manage.py` commands of one project, each in a fork of a process that has imported everything already.

It reads lines of JSON, each a list of arguments, and answers each with a line: exit status and what was printed. Where
the arguments follow the name of a file, as in `[log, arguments]`, the command goes on by itself and prints there; the
answer is its process id.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import tempfile
from typing import Any

import django
from django.urls import get_resolver


def run(words: list[str]) -> tuple[int, str]:
    """Run one command in a child and return its exit status and what it printed."""
    with tempfile.TemporaryFile() as printed:
        _, ended = os.waitpid(start(words, printed.fileno()), 0)
        printed.seek(0)
        return os.waitstatus_to_exitcode(ended), printed.read().decode()


def start(words: list[str], output: int) -> int:
    """Begin one command in a child that prints into an open file, and return its process id."""
    child = os.fork()
    if child:
        return child
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["manage.py", *words]
    status = 1
    try:
        runpy.run_path("manage.py", run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def answer(asked: list[Any]) -> Any:
    """Do what a line asks for."""
    if isinstance(asked[-1], str):
        return run(asked)
    with open(asked[0], "ab") as log:  # noqa: PTH123 - a name on a pipe
        return start(asked[1], log.fileno())


if __name__ == "__main__":
    django.setup()
    _ = get_resolver().url_patterns  # the checks of most commands import them
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(answer(json.loads(line)))}\n")
        sys.stdout.flush()
