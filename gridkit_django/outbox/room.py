"""Whether a channel is full: asked now and then, so that it costs puts nothing and lets no edit wait for another.

What is counted is what this process sees. Between two looks the puts of this process are added; those of others are
seen at the next look. So the limit holds to some hundredths, not to the message.
"""

from __future__ import annotations

import threading
import time

from django.db.models import Count

from gridkit_django.models import OutboxMessage
from gridkit_django.outbox.channels import Place, database

LOOK_SECONDS = 2.0
PATIENCE = 100
"""After a look, nobody looks for so many times as long as it took: counting costs a hundredth of the time at most."""


class Room:
    """How much room a channel has left, as this process knows it. Safe to share between threads.

    Args:
        place: where the messages lie.
        most: how many may wait.
    """

    def __init__(self, place: Place, most: int) -> None:
        self._place = place
        self._most = most
        self._waiting = 0
        self._look_at = 0.0
        self._dropped = 0
        self._lock = threading.Lock()

    def take(self, wanted: int) -> int:
        """Take room for messages, and return for how many there is; the rest is counted as dropped."""
        if time.monotonic() >= self._look_at:
            self._look()
        with self._lock:
            given = max(0, min(wanted, self._most - self._waiting))
            self._waiting += given
            self._dropped += wanted - given
        return given

    def take_dropped(self) -> int:
        """Return how many were dropped since the last time, and begin at zero."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        return dropped

    def put_back(self, dropped: int) -> None:
        """Count again what was taken but could not be stored."""
        with self._lock:
            self._dropped += dropped

    def _look(self) -> None:
        began = time.monotonic()
        rows = OutboxMessage.objects.using(database()).filter(plugin_id=self._place.plugin, channel=self._place.channel)
        waiting = rows.aggregate(number=Count("pk"))["number"]
        ended = time.monotonic()
        with self._lock:
            self._waiting = waiting
            self._look_at = ended + max(LOOK_SECONDS, PATIENCE * (ended - began))
