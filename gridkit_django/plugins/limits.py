"""What a plugin may use at most, and what it uses."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_EVENT_HANDLERS = 100
DEFAULT_STORAGE_MB = 10
DEFAULT_EVENTS_PER_SECOND = 100


class ResourceLimits(BaseModel):
    """The ``[resource_limits]`` table of a manifest.

    Handlers, storage and emitted events are refused over the limit. A plugin that runs in the process can't be stopped
    from using memory and the processor, so these two are looked at now and then, in each process: from four fifths of
    the limit on the plugin is shown as degraded, over the limit it is suspended.

    Attributes:
        max_memory_mb: Python heap that it may hold in one process, in MB: what can be reached from its object and
            modules.
        max_cpu_percent: share of one core that its calls may take in one process, in percent of a minute.
        max_event_handlers: handlers subscribed at the same time; a pattern such as ``row:*`` counts once.
        max_storage_mb: size of its storage, in MB of JSON text.
        max_events_per_second: events that it may emit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_memory_mb: int | None = Field(default=None, ge=1)
    max_cpu_percent: int | None = Field(default=None, ge=1, le=100)
    max_event_handlers: int = Field(default=DEFAULT_EVENT_HANDLERS, ge=0, le=1000)
    max_storage_mb: int = Field(default=DEFAULT_STORAGE_MB, ge=0, le=10_000)
    max_events_per_second: int = Field(default=DEFAULT_EVENTS_PER_SECOND, ge=0, le=10_000)


@dataclass(frozen=True, slots=True)
class ResourceUsage:
    """What one plugin uses in this process, and what it stores on this site.

    Attributes:
        event_handlers: handlers subscribed now.
        storage_bytes: size of its storage, in bytes of JSON text.
        calls: how often its handlers and methods were called since it was activated here.
        errors: how many of these calls raised.
        cpu_seconds: processor time of these calls.
        cpu_percent: ``cpu_seconds`` of the last minute as a share of one core.
        events_emitted: events that it emitted since it was activated here.
        slow: how many calls took longer than ``HANDLER_BUDGET_MS``.
        skipped: how many calls were left out, because those before were too slow.
        heap_bytes: what can be reached from its object and modules now, in bytes.
        load_heap_bytes: what was allocated and kept when its code was loaded first, in bytes, or None when that was
            not counted here.
    """

    event_handlers: int
    storage_bytes: int
    calls: int
    errors: int
    cpu_seconds: float
    cpu_percent: float
    events_emitted: int
    slow: int
    skipped: int
    heap_bytes: int
    load_heap_bytes: int | None


class RateLimiter:
    """A token bucket: ``per_second`` on average, as many at once. Safe to share between threads.

    Args:
        per_second: tokens that come in each second, and the size of the bucket.
    """

    def __init__(self, per_second: int) -> None:
        self._rate = per_second
        self._tokens = float(per_second)
        self._filled_at = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one token; False when the bucket is empty."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(float(self._rate), self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
