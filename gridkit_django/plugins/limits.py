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
    from using the processor, so ``max_cpu_percent`` is measured over its handlers and turns its health yellow;
    ``max_memory_mb`` can't be measured for code that shares the process and is shown to the administrator as declared.

    Attributes:
        max_memory_mb: memory that the plugin says it needs at most, in MB.
        max_cpu_percent: share of one core that its handlers may take, in percent of wall time.
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
    """

    event_handlers: int
    storage_bytes: int
    calls: int
    errors: int
    cpu_seconds: float
    cpu_percent: float
    events_emitted: int


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
