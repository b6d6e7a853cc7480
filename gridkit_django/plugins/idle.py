"""The idle thread: lets a process that nobody asks for anything follow changes, and be seen to be alive."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connections

from gridkit_django.conf import settings
from gridkit_django.plugins.hints import HintChannel
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.stats import describe

logger = logging.getLogger("gridkit_django.plugins")

_GAP_SECONDS = 0.02
_STOP_SECONDS = 5.0


@dataclass(slots=True)
class _Run:
    """One life of the threads: from a start to a stop, or to a fork, which leaves it behind.

    Attributes:
        stopping: set when they are to end.
        woken: set when it is time to look.
        threads: the one that looks, and the one that listens for hints.
    """

    stopping: threading.Event = field(default_factory=threading.Event)
    woken: threading.Event = field(default_factory=threading.Event)
    threads: tuple[threading.Thread, ...] = ()


class IdleThread:
    """Looks every ``POLL_SECONDS``, and at once when another process hints at a change.

    A web process starts it at its first request and a Celery process at its first task, because only then it is known
    what the process is, and that nobody will fork it any more. Commands and test runs have none. It is a daemon, and
    gives its database connection back after each look, so a site needs no more connections than before.

    Args:
        look: what to do; what it raises is logged once, until it works again.
        hints: where other processes are heard.
    """

    def __init__(self, look: Callable[[], None], hints: HintChannel) -> None:
        self._look = look
        self._hints = hints
        self._failing = False
        self._run: _Run | None = None
        self._lock = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether the thread is there, in this very process."""
        return self._run is not None

    def start(self) -> bool:
        """Start it, when it does not run; whether it runs then.

        A database in memory belongs to this process alone: nobody else can change it, so there is nothing to look for.
        """
        with self._lock:
            if self._run is None and not _is_in_memory():
                self._run = self._started()
            return self._run is not None

    def wake(self) -> None:
        """Let it look at once."""
        run = self._run
        if run is not None:
            run.woken.set()

    def stop(self) -> None:
        """End it and wait for it, unless it is the thread itself that asks."""
        with self._lock:
            run, self._run = self._run, None
        if run is None:
            return
        run.stopping.set()
        run.woken.set()
        for thread in run.threads:
            if thread is not threading.current_thread():
                thread.join(_STOP_SECONDS)

    def forget(self) -> None:
        """Forget it without stopping it: in a forked child the thread does not exist."""
        self._run = None
        self._lock = threading.Lock()

    def _started(self) -> _Run:
        run = _Run()
        work: list[tuple[str, Callable[[], None]]] = [("gridkit idle", lambda: self._keep_looking(run))]
        if self._hints.is_wanted:
            work.append(("gridkit hints", lambda: self._hints.listen(run.woken.set, run.stopping)))
        run.threads = tuple(threading.Thread(target=target, name=name, daemon=True) for name, target in work)
        for thread in run.threads:
            thread.start()
        return run

    def _keep_looking(self, run: _Run) -> None:
        seconds: float = settings().POLL_SECONDS
        while not run.stopping.is_set():
            run.woken.wait(seconds)
            run.woken.clear()
            if not run.stopping.is_set():
                self._look_once()
            # Hints that come in a burst are answered by one look.
            run.stopping.wait(_GAP_SECONDS)

    def _look_once(self) -> None:
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 - the thread outlives the database; logged once
            if not self._failing:
                logger.warning("This process can't look for changes now, and goes on trying: %s", describe(error))
            self._failing = True
        else:
            if self._failing:
                logger.info("This process looks for changes again.")
            self._failing = False
        finally:
            connections.close_all()


def _is_in_memory() -> bool:
    connection = connections[database()]
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())  # type: ignore[attr-defined]
