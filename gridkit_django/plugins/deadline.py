"""Calling plugin code with a deadline. A thread can't be stopped: a call that hangs is left behind, one per plugin."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from django.db import connections

IDLE_SECONDS = 60.0
"""A thread that nobody needs for so long ends."""


class DeadlineError(Exception):
    """The call did not come back in time, or an earlier one still hangs."""


class _Job:
    """One call: what to do, and what came of it."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._context = contextvars.copy_context()
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Make the call, and give back the database connections that it opened."""
        try:
            self.result = self._context.run(self._function)
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            self.error = error
        try:
            for connection in connections.all(initialized_only=True):
                connection.close()
        finally:
            self.done.set()


class _Worker:
    """A thread that makes one call after the other."""

    def __init__(self, rest: Callable[[_Worker], None], retire: Callable[[_Worker], bool]) -> None:
        self._rest = rest
        self._retire = retire
        self.jobs: SimpleQueue[_Job] = SimpleQueue()
        threading.Thread(target=self._work, name="gridkit deadline", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                job = self.jobs.get(timeout=IDLE_SECONDS)
            except Empty:
                if self._retire(self):
                    return
                continue
            job.run()
            # Whoever waits for the next call must not keep what was called last alive.
            del job
            self._rest(self)


class DeadlineCaller:
    """Runs calls in other threads, so that the caller can go on when they hang. The threads are used again."""

    def __init__(self) -> None:
        self._begin()

    def call(self, key: str, function: Callable[[], Any], seconds: float) -> Any:
        """Call ``function`` and return what it returns.

        Args:
            key: whose call it is; while one of its calls hangs, no other is started.
            function: what is called; it gets the context variables of the caller, and its own database connections.
            seconds: how long to wait.

        Raises:
            DeadlineError: when it took longer, or an earlier call still hangs.
            BaseException: what ``function`` raised.
        """
        if self._pid != os.getpid():
            self._begin()
        earlier = self._hanging.get(key)
        if earlier is not None and not earlier.done.is_set():
            raise DeadlineError("An earlier call still hangs.")
        job = _Job(function)
        self._worker().jobs.put(job)
        if not job.done.wait(seconds):
            self._hanging[key] = job
            raise DeadlineError(f"It did not answer within {seconds:g} s.")
        self._hanging.pop(key, None)
        if job.error is not None:
            raise job.error
        return job.result

    def _begin(self) -> None:
        """Begin without threads: at the start, and in a forked child, where those of the parent do not exist."""
        self._pid = os.getpid()
        self._hanging: dict[str, _Job] = {}
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def _worker(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Worker(self._rest, self._retire)

    def _rest(self, worker: _Worker) -> None:
        with self._lock:
            self._idle.append(worker)

    def _retire(self, worker: _Worker) -> bool:
        """Take a worker that got nothing to do off the list; False when it was taken for a call just now."""
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            return True
