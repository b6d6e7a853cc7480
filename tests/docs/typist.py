"""Runs `manage.py` commands of one project, each in a fork of a process that has imported everything already.

It reads lines of JSON, each a list of arguments, and answers each with a line: exit status and what was printed.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import tempfile

import django
from django.urls import get_resolver


def run(words: list[str]) -> tuple[int, str]:
    """Run one command in a child and return its exit status and what it printed."""
    with tempfile.TemporaryFile() as printed:
        child = os.fork()
        if child == 0:
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
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
        _, ended = os.waitpid(child, 0)
        printed.seek(0)
        return os.waitstatus_to_exitcode(ended), printed.read().decode()


if __name__ == "__main__":
    django.setup()
    _ = get_resolver().url_patterns  # the checks of most commands import them
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(run(json.loads(line)))}\n")
        sys.stdout.flush()
