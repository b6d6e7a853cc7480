"""A process inside the project that is neither web nor worker, and carries out one piece of code after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.processes import ROOT
from tests.servers.stack import Stack

_LISTEN = """
import json, sys
from gridkit_django.models import InstalledPlugin, PluginJobRun, PluginSchedule
from gridkit_django.plugins import plugin_manager
manager = plugin_manager()
for line in sys.stdin:
    scope = {**globals(), "answer": ""}
    exec(json.loads(line), scope)
    print(json.dumps(str(scope["answer"])), flush=True)
"""


class Shell:
    """One process inside the project that carries out code, piece by piece: to start one for each takes seconds.

    Args:
        stack: whose project.
    """

    def __init__(self, stack: Stack) -> None:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", _LISTEN]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=ROOT, env=stack.env, stdin=pipe, stdout=pipe, text=True)

    @property
    def is_alive(self) -> bool:
        """Whether nobody ended or killed it yet."""
        return self._process.poll() is None

    def __call__(self, code: str) -> str:
        """Carry out code, and return what it put into ``answer``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(code)}\n")
        self._process.stdin.flush()
        return str(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.communicate(timeout=30)


@contextmanager
def standing_shell(stack: Stack) -> Iterator[Shell]:
    """Give a shell that ends with the block."""
    shell = Shell(stack)
    try:
        yield shell
    finally:
        if shell.is_alive:
            shell.close()
