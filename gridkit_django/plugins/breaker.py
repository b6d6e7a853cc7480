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

    Attributes:
        news: what happened that was not told yet: for how many seconds calls are left out from now on, 0 when they are
            made again, None for nothing.
    """

    def __init__(self) -> None:
        self.news: float | None = None
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

    def slow(self, now: float, rule: BreakerRule) -> None:
        """Count a slow call."""
        with self._lock:
            self._slow_in_row += 1
            is_trial, self._is_on_trial = self._is_on_trial, False
            if not rule.slow_calls or (self._until is not None and not is_trial):
                return
            if is_trial or self._slow_in_row >= rule.slow_calls:
                pause = min(rule.seconds * 2.0 ** min(self._pauses, 32), PAUSE_SECONDS_MAX)
                self._pauses += 1
                self._until = now + pause
                self.news = pause

    def quick(self) -> None:
        """Count a call that was not slow. One that began before the pause proves nothing, and does not end it."""
        with self._lock:
            if self._until is not None and not self._is_on_trial:
                return
            if self._until is not None:
                self.news = 0.0
            self._slow_in_row = self._pauses = 0
            self._until, self._is_on_trial = None, False

    def take_news(self) -> float | None:
        """Return the news, once."""
        with self._lock:
            news, self.news = self.news, None
            return news
