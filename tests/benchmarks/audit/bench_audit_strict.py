"""What a record costs in strict mode: beside plain Django, capture at the ORM, and django-pghistory if it is there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator


def run() -> Iterator[str]:
    """Give the tables of ``strict_turns``, which has settings of its own and works in the same scratch database.

    Raises:
        RuntimeError: when the process fails; what it said is printed.
    """
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.benchmarks.audit.ledger_settings"}
    command = [sys.executable, "-m", "tests.benchmarks.audit.strict_turns"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        lines: list[str] = []
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if not lines[-1]:
                yield "\n".join(lines).strip()
                lines = []
    if process.returncode:
        raise RuntimeError(f"strict_turns ended with {process.returncode}.")
