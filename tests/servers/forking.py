"""Processes of a stack that are forked from one that has loaded the project: each starts at once."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.servers.fork_server import MESSAGE_BYTES
from tests.servers.processes import ROOT, ServerError, wait_until

READ_AT_WORK = frozenset({"GATE", "GATE_NAME", "TELLER_LIVES"})
"""Variables that plugins of the tests read when they run, and no settings: processes may differ in them."""


class ForkServer:
    """The process that forks the others.

    Args:
        env: its environment, which holds all that the settings read.
        log: where its own output goes.
    """

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self._settings = _settings(env)
        self._log = log
        self._door, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "tests.servers.fork_server", str(theirs.fileno())]
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )

    def serves(self, env: Mapping[str, str]) -> bool:
        """Say whether what it has loaded is right for a process with this environment."""
        return self._settings == _settings(env)

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

    def _ask(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> Any:
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self._door, [json.dumps(message).encode()], list(descriptors))
            if answer := self._door.recv(MESSAGE_BYTES):
                return json.loads(answer)
        self._process.wait(60)
        raise ServerError(f"The process that forks the others has ended:\n{self._log.read_text(errors='replace')}")


def _settings(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name not in READ_AT_WORK}


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
