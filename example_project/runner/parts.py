"""Starting several parts together, watching them, stopping them all."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Event
from types import FrameType
from typing import Protocol

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WATCH_SECONDS = 0.5


class PartFailedError(Exception):
    """A part did not start, or ended by itself."""


class Part(Protocol):
    """One thing that runs while the demo runs."""

    name: str

    def start(self) -> None:
        """Begin to start; raises `PartFailedError`."""

    def wait_ready(self) -> None:
        """Return when it serves; raises `PartFailedError`."""

    def alive(self) -> bool:
        """Whether it still runs."""

    def ask_to_stop(self) -> None:
        """Begin to stop; nothing when it does not run."""

    def stop(self) -> None:
        """Return when it has stopped, in bounded time; nothing when it does not run."""


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C, ended the process or closed the terminal."""


@contextmanager
def stopping_by_signal() -> Iterator[None]:
    """Turn the signals that end a process into `StopRequested`, the first of them once."""

    def request(_number: int, _frame: FrameType | None) -> None:
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise StopRequested

    before = {each: signal.signal(each, request) for each in STOP_SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def run(parts: Sequence[Part], announce: Callable[[], None]) -> None:
    """Start the parts side by side, announce them, watch them; stop all of them, whatever happens.

    Args:
        parts: what to run.
        announce: called once when everything serves.

    Raises:
        PartFailedError: when a part does not start or ends by itself.
        StopRequested: when a signal asked for the end.
    """
    with ExitStack() as stack:
        for part in parts:
            stack.callback(part.stop)
            part.start()
        # Called first on the way out: all are asked before any is waited for.
        stack.callback(_ask_to_stop, parts)
        for part in parts:
            part.wait_ready()
        announce()
        _watch(parts)


def _ask_to_stop(parts: Sequence[Part]) -> None:
    for part in reversed(parts):
        part.ask_to_stop()


def leave(parts: Sequence[Part], exit_now: Callable[[int], object] = os._exit) -> None:
    """End this process at once when a part could not be stopped: a task that never ends would keep it alive.

    Args:
        parts: what ran.
        exit_now: ends the process with a code, without waiting for threads.
    """
    if any(part.alive() for part in parts):
        sys.stdout.flush()
        exit_now(1)


def _watch(parts: Sequence[Part]) -> None:
    """Return never: raise when the first part is gone."""
    pause = Event()
    while True:
        if gone := [part.name for part in parts if not part.alive()]:
            raise PartFailedError(f"{' and '.join(gone)} ended unexpectedly; its messages are above.")
        pause.wait(WATCH_SECONDS)
