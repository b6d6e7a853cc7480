"""The parts that run beside this process: gunicorn with several workers, and a Celery worker process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from time import monotonic

from celery import Celery

from example_project.runner.address import answers
from example_project.runner.parts import PartFailedError

START_SECONDS = 60
STOP_SECONDS = 20
POLL_SECONDS = 0.1


class Beside:
    """One child process in a session of its own, so that Ctrl-C reaches it through us and in our order only.

    Args:
        name: what it is, for messages.
        command: the program and its arguments.
        ready: whether it serves; asked again and again after the start.
        folder: where it runs.
    """

    def __init__(self, name: str, command: Sequence[str], ready: Callable[[], bool], folder: Path) -> None:
        self.name = name
        self._command = list(command)
        self._ready = ready
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process."""
        self._process = subprocess.Popen(self._command, cwd=self._folder, start_new_session=True)  # noqa: S603 - ours

    def wait_ready(self) -> None:
        """Wait until it serves.

        Raises:
            PartFailedError: when it ends or is not ready in time.
        """
        deadline = monotonic() + START_SECONDS
        pause = Event()
        while not self._ready():
            if not self.alive():
                raise PartFailedError(f"{self.name} ended while it started; its messages are above.")
            if monotonic() > deadline:
                raise PartFailedError(f"{self.name} was not ready after {START_SECONDS} s.")
            pause.wait(POLL_SECONDS)

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        """Ask it to end."""
        if self._process is not None and self.alive():
            self._process.terminate()

    def stop(self) -> None:
        """Wait until it has ended; after a while end it with all its children."""
        if self._process is None or not self.alive():
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def beside_web(host: str, port: int, folder: Path) -> Beside:
    """Return gunicorn with ``WEB_CONCURRENCY`` (2) processes of four threads."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    command = [
        *(sys.executable, "-m", "gunicorn", "example_project.wsgi:application", "--bind", place),
        *("--workers", os.environ.get("WEB_CONCURRENCY", "2"), "--threads", "4", "--timeout", "120"),
        *("--log-level", "warning", "--no-control-socket"),
    ]
    return Beside("The web server", command, lambda: answers(host, port, START_SECONDS), folder)


def beside_worker(app: Celery, folder: Path, memory: Path) -> Beside:
    """Return a Celery worker process with two child processes, and the clock for scheduled tasks."""
    command = [
        *(
            sys.executable,
            "-m",
            "celery",
            "--quiet",
            "--app",
            "example_project",
            "worker",
            "--beat",
            "--schedule",
            str(memory),
        ),
        *("--hostname", f"demo-{os.getpid()}@%h", "--concurrency", "2", "--loglevel", "WARNING"),
    ]
    return Beside("The worker", command, lambda: _answers(app, f"demo-{os.getpid()}@"), folder)


def _answers(app: Celery, name: str) -> bool:
    """Whether the worker whose name starts so answers a ping."""
    replies = app.control.ping(timeout=0.5) or []
    return any(node.startswith(name) for reply in replies for node in reply)
