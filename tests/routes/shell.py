"""A process inside the project that is neither web nor worker, and carries out one piece of code after the other."""

from __future__ import annotations

import json
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
        listen: what it runs; it answers each line with a line.
    """

    def __init__(self, stack: Stack, listen: str = _LISTEN) -> None:
        ours, theirs = socket.socketpair()
        with theirs, theirs.makefile("rwb", buffering=0) as pipe:
            words = ("manage.py", "shell", "--no-imports", "-c", listen)
            self._process = stack.fork(*words, streams=(pipe, pipe, sys.__stderr__ or sys.stderr))
        with ours:
            self._pipe = ours.makefile("rw")

    @property
    def is_alive(self) -> bool:
        """Whether nobody ended or killed it yet."""
        return self._process.poll() is None

    def __call__(self, code: str) -> str:
        """Carry out code, and return what it put into ``answer``."""
        return str(json.loads(self.ask(json.dumps(code))))

    def ask(self, line: str) -> str:
        """Send a line, and return the one that answers it."""
        self._pipe.write(f"{line}\n")
        self._pipe.flush()
        return self._pipe.readline()

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.wait(30)

    def kill(self) -> None:
        """Kill the process."""
        self._process.send_signal(signal.SIGKILL)
        self.close()


@contextmanager
def standing_shell(stack: Stack, listen: str = _LISTEN) -> Iterator[Shell]:
    """Give a shell that ends with the block, see `Shell`."""
    shell = Shell(stack, listen)
    try:
        yield shell
    finally:
        if shell.is_alive:
            shell.close()
