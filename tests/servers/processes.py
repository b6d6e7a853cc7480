"""Starting, awaiting and ending real server processes: the ground that every server of the suite stands on."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
ABSENT = Path(__file__).parent / "absent"
"""Stands for packages that the tests need and an installation of the product has not: libraries that find one of them
load it in each process that starts, which takes as long as much of the product does.
"""
PATIENCE = 60.0


class ServerError(Exception):
    """A server of the suite did not start or did not stop; the message ends with its log."""


def wait_until(ready: Callable[[], bool], what: str, *, seconds: float = PATIENCE) -> None:
    """Return as soon as `ready()` is true.

    Args:
        ready: A quick question without side effects.
        what: What is awaited, for the message.
        seconds: How long at most.

    Raises:
        ServerError: It is still false after that time.
    """
    begun = time.monotonic()
    while not ready():
        waited = time.monotonic() - begun
        if waited > seconds:
            raise ServerError(f"waited {seconds:.0f} s in vain for: {what}")
        # Who asks all the time takes the processor from the process that is waited for.
        time.sleep(min(0.25, max(0.02, waited / 10)))


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unmeasured_environment() -> dict[str, str]:
    """Return this process's environment without what makes coverage.py start in a new process.

    Measured, the many processes of the routes take half as long again; the code that runs in them is measured where
    the tests of its room run it.
    """
    return {key: value for key, value in os.environ.items() if key != "COVERAGE_PROCESS_CONFIG"}


def installed_environment() -> dict[str, str]:
    """Return the unmeasured environment of a process that finds the packages of an installation, without ``ABSENT``."""
    found = os.pathsep.join(filter(None, [str(ABSENT), os.environ.get("PYTHONPATH")]))
    return {**unmeasured_environment(), "PYTHONPATH": found}


@contextlib.contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Give a folder that is gone afterwards; its path is short, for a Unix socket's path holds 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix=f"gk-{prefix}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Running(Protocol):
    """What `ServerProcess` needs of a process: `subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def returncode(self) -> int | None:
        """How it ended, once `poll` or `wait` has seen that."""

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""

    def wait(self, timeout: float) -> int:
        """Wait for its end, and return its exit code."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""


class ServerProcess:
    """One server: a process group of its own, its output in a log file, ended with all its children.

    Args:
        name: What it is called in messages.
        command: The program and its arguments.
        log: Where its output goes.
        env: Its whole environment; None takes this process's.
        user: The system user that it runs as, for programs that refuse root.
        cwd: Where it runs.
        started: The process, where it runs already: then only its log counts of what is said here.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: Path = ROOT,
        started: Running | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._is_asked = False
        self._process = started or _started(command, log, env=env, user=user, cwd=cwd)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def alive(self) -> bool:
        """Say whether it still runs."""
        return self._process.poll() is None

    def read_log(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(errors="replace")[-4000:]

    def wait_ready(self, ready: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
        """Wait until it serves.

        Raises:
            ServerError: It ended by itself or is not ready in time; the message holds its log.
        """

        def answered() -> bool:
            if not self.alive():
                raise ServerError(f"{self.name} ended with {self._process.returncode}:\n{self.read_log()}")
            return ready()

        try:
            wait_until(answered, f"{self.name} to be ready", seconds=seconds)
        except ServerError as error:
            self.stop()
            raise ServerError(f"{error}\n{self.read_log()}") from error

    def ask_to_stop(self) -> None:
        """Tell it to end, without waiting for that."""
        if self.alive():
            self._process.send_signal(signal.SIGTERM)
            self._is_asked = True

    def stop(self, how: signal.Signals = signal.SIGTERM, *, seconds: float = 20.0) -> None:
        """End it: politely first, so that it can tidy up, then with its whole process group."""
        if self.alive():
            if not self._is_asked:  # to be told twice means to some that they are to hurry
                self._process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(seconds)


def _started(
    command: Sequence[str | Path], log: Path, *, env: Mapping[str, str] | None, user: str | None, cwd: Path
) -> Running:
    """Start a program whose output goes into a file."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [*_with_parent(), *(str(word) for word in command)],
            cwd=cwd,
            env=dict(env) if env is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            group=user_group(user) if user else None,
            extra_groups=[] if user else None,
        )


def _with_parent() -> list[str]:
    """Return the start of a command that ends when this process is killed and can no longer end it; Linux only."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def user_group(user: str) -> int:
    """Return the id of a system user's own group."""
    return pwd.getpwnam(user).pw_gid
