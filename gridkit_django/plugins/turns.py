"""Turns: one thread of a process follows at a time, and the others wait for it only so long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets one thread at a time do something, and knows since when it does."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin again with nobody at it: at the start, and in a forked child, where the one at it may not exist."""
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._since: float | None = None

    @property
    def is_mine(self) -> bool:
        """Whether it is this thread that is at it."""
        return self._thread == threading.get_ident()

    @contextmanager
    def taken(self, seconds: float, *, even_if_late: bool = False) -> Iterator[bool]:
        """Take the turn; False when another thread goes on for too long, or when this thread is at it already.

        Args:
            seconds: how long another thread may take, counted from when it began. So many waiting threads lose this
                time once, not each anew.
            even_if_late: count from now instead.
        """
        if self.is_mine:
            yield False
            return
        taken = self._lock.acquire(timeout=seconds if even_if_late else self._left_of(seconds))
        if taken:
            self._thread, self._since = threading.get_ident(), time.monotonic()
        try:
            yield taken
        finally:
            if taken:
                self._thread = self._since = None
                self._lock.release()

    def _left_of(self, seconds: float) -> float:
        since = self._since
        return seconds if since is None else max(0.0, since + seconds - time.monotonic())
