"""Processes of a stack that are forked from one that has loaded the project: each starts at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from tests.servers.processes import ROOT, ServerError, installed_environment, wait_until

MESSAGE_BYTES = 1 << 20

LOADED_WITH = {
    "DATABASE_URL": "postgres://nobody@localhost/nothing",
    "DJANGO_SETTINGS_MODULE": "example_project.settings",
    "GRIDKIT_DEMO_VAR": tempfile.gettempdir(),
    "PYTHONUNBUFFERED": "1",
    "SECRET_KEY": "of nobody",
}
"""What the settings read while the project is loaded; each process that is forked reads them anew."""


class ForkServer:
    """The process that forks the others. It ends when this process does, with all that it forked and that still runs.

    Args:
        env: its environment: what an interpreter reads at its start holds for all that it forks.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._turn = threading.Lock()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this lives
        self._door, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "tests.servers.fork_server", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )

    def fork(self, words: Sequence[str], env: Mapping[str, str], streams: Sequence[int]) -> Fork:
        """Start a process.

        Args:
            words: what Python is to run: `-m`, a module and its arguments, or a file and its arguments.
            env: its whole environment.
            streams: three open files that become its standard streams.
        """
        return Fork(self, self._ask({"words": list(words), "env": dict(env)}, streams))

    def status(self, pid: int) -> int | None:
        """Return the exit code of a process that it forked, negative for a signal; None while that runs."""
        found: int | None = self._ask({"pid": pid})
        return found

    def close(self) -> None:
        """End it, and all that it forked and that still runs."""
        self._door.close()
        self._process.wait(60)
        self._log.close()

    def _ask(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> Any:
        with self._turn, contextlib.suppress(ConnectionError):
            socket.send_fds(self._door, [json.dumps(message).encode()], list(descriptors))
            if answer := self._door.recv(MESSAGE_BYTES):
                return json.loads(answer)
        self._process.wait(60)
        self._log.seek(0)
        raise ServerError(f"The process that forks the others has ended:\n{self._log.read().decode(errors='replace')}")


@cache
def fork_server() -> ForkServer:
    """Return the one of this process; it is started when it is first asked for."""
    return ForkServer({**installed_environment(), **LOADED_WITH})


def end_forking() -> None:
    """End the one of this process, if there is one."""
    if fork_server.cache_info().currsize:
        fork_server().close()
        fork_server.cache_clear()


class Fork:
    """A process that was forked; it has what the suite needs of `subprocess.Popen`.

    Args:
        parent: who forked it, and hears of its end.
        pid: its process id.

    Attributes:
        returncode: how it ended, once `poll` or `wait` has seen that.
    """

    def __init__(self, parent: ForkServer, pid: int) -> None:
        self._parent = parent
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""
        if self.returncode is None:
            self.returncode = self._parent.status(self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Wait for its end, at most so many seconds, and return its exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        try:
            wait_until(lambda: self.poll() is not None, "its end", seconds=timeout)
        except ServerError as error:
            raise subprocess.TimeoutExpired(str(self.pid), timeout) from error
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def kill(self) -> None:
        """Kill it, with its children."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
