"""The breaker: leaves a handler that is too slow out for a while, so that it holds up nobody."""

from __future__ import annotations

import threading
from dataclasses import dataclass

PAUSE_SECONDS_MAX = 3600.0


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a handler is left out, and for how long.

    Attributes:
        slow_calls: slow calls in a row after which it is; 0 for never.
        seconds: how long the first time; each time after that twice as long, up to an hour.
    """

    slow_calls: int
    seconds: float


class Breaker:
    """Watches the calls of one handler. Safe between threads.

    It is closed (all calls are made), open (none is), or on trial: when the pause is over one call is made and decides.
    Times are given in, in seconds of one clock that never goes back.
    """

    def __init__(self) -> None:
        self._slow_in_row = 0
        self._pauses = 0
        self._until: float | None = None
        self._is_on_trial = False
        self._lock = threading.Lock()

    @property
    def is_watchful(self) -> bool:
        """Whether the next call matters: it is not closed, or the newest call was slow."""
        return self._slow_in_row > 0 or self._until is not None

    @property
    def is_open(self) -> bool:
        """Whether calls are left out, or one is on trial."""
        return self._until is not None

    def refuses(self, now: float) -> bool:
        """Whether a call is to be left out; the first one after a pause is not, and is the trial."""
        with self._lock:
            if self._until is None:
                return False
            if self._is_on_trial or now < self._until:
                return True
            self._is_on_trial = True
            return False

    def slow(self, now: float, rule: BreakerRule) -> float:
        """Count a slow call.

        Returns:
            For how many seconds the handler is left out from now on; 0 when it is not, or was already.
        """
        with self._lock:
            self._slow_in_row += 1
            is_trial, self._is_on_trial = self._is_on_trial, False
            if not rule.slow_calls or (self._until is not None and not is_trial):
                return 0.0
            if not is_trial and self._slow_in_row < rule.slow_calls:
                return 0.0
            pause = min(rule.seconds * 2.0 ** min(self._pauses, 32), PAUSE_SECONDS_MAX)
            self._pauses += 1
            self._until = now + pause
            return pause

    def quick(self) -> bool:
        """Count a call that was not slow; whether it ends a time in which the handler was left out.

        A call that began before the pause proves nothing and ends it not.
        """
        with self._lock:
            if self._until is not None and not self._is_on_trial:
                return False
            was_open = self._until is not None
            self._slow_in_row = self._pauses = 0
            self._until, self._is_on_trial = None, False
            return was_open
