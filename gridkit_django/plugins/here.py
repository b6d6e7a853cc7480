"""What the runtime keeps in mind for each thread, so that a call into a plugin need not look it up each time."""

from __future__ import annotations

import threading
import time

from django.db.backends.base.base import BaseDatabaseWrapper

QUICK_NS = 100_000
"""Calls up to this long count their wall time as processor time: reading the thread's clock takes longer than they
do. In longer ones the clock is read."""


class Here:
    """One thread.

    Attributes:
        connections: the database connections that were opened in it; None when that is to be looked up again.
        spent: wall and processor time that long calls into plugins took in it, in nanoseconds. Who called a plugin
            that called another subtracts what was added meanwhile, so that each answers for its own time.
        cpu_ns: its processor clock when it was read last.
        drains: how many plugins it waits for just now; nobody waits for a thread that waits.
    """

    __slots__ = ("__weakref__", "connections", "cpu_ns", "drains", "spent")

    def __init__(self) -> None:
        self.connections: tuple[BaseDatabaseWrapper, ...] | None = None
        self.spent = (0, 0)
        self.cpu_ns = time.thread_time_ns()
        self.drains = 0

    def read_cpu(self) -> int:
        """Read the thread's processor clock, in nanoseconds."""
        self.cpu_ns = now = time.thread_time_ns()
        return now


class _Threads(threading.local):
    """Makes one ``Here`` for each thread, when it is used first."""

    def __init__(self) -> None:
        self.here = Here()


_threads = _Threads()


def here() -> Here:
    """Return the state of this thread."""
    return _threads.here


def own_time(mine: Here, before: tuple[int, int], wall_ns: int, cpu_ns: int) -> tuple[int, int]:
    """Return what of a long call is its own, and note the whole of it for whoever called it.

    Args:
        mine: this thread.
        before: what its ``spent`` was when the call began.
        wall_ns: wall time of the whole call, in nanoseconds.
        cpu_ns: processor time of the whole call, in nanoseconds.

    Returns:
        Wall and processor time without those of the long calls into plugins that it made.
    """
    cpu_ns = min(cpu_ns, wall_ns)
    inner_wall, inner_cpu = mine.spent[0] - before[0], mine.spent[1] - before[1]
    mine.spent = (before[0] + wall_ns, before[1] + cpu_ns)
    own_wall = max(0, wall_ns - inner_wall)
    return own_wall, min(own_wall, max(0, cpu_ns - inner_cpu))
