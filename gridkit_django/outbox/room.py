"""Whether a channel is full: asked now and then, so that it costs puts nothing and lets no edit wait for another.

What is counted is what this process sees. Between two looks the puts of this process are added; those of others are
seen at the next look. So the limit holds to some hundredths, not to the message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from django.db.models import Count, Sum

from gridkit_django.conf import settings
from gridkit_django.models import OutboxMessage
from gridkit_django.outbox.channels import Place, database

LOOK_SECONDS = 2.0
PATIENCE = 100
"""After a look, nobody looks for so many times as long as it took: counting costs a hundredth of the time at most."""


class Room:
    """How much room a channel has left, as this process knows it. Safe to share between threads.

    Args:
        place: where the messages lie.
        most: how many may wait; how many bytes is the site's to say (``OUTBOX_BYTES_MAX``).
    """

    def __init__(self, place: Place, most: int) -> None:
        self._place = place
        self._most = most
        self._waiting = self._bytes = 0
        self._look_at = 0.0
        self._dropped = 0
        self._lock = threading.Lock()

    def take(self, sizes: Iterable[int]) -> int:
        """Take room for messages of so many bytes each, and return for how many there is; the others are dropped.

        The first ones are taken; what comes after one that finds no room finds none either, so that order is kept.
        """
        if time.monotonic() >= self._look_at:
            self._look()
        given, is_full = 0, False
        with self._lock:
            for size in sizes:
                is_full = is_full or not self._fits(size)
                if is_full:
                    self._dropped += 1
                    continue
                given += 1
                self._waiting += 1
                self._bytes += size
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

    def _fits(self, size: int) -> bool:
        return self._waiting < self._most and self._bytes + size <= settings().OUTBOX_BYTES_MAX

    def _look(self) -> None:
        began = time.monotonic()
        rows = OutboxMessage.objects.using(database()).filter(plugin_id=self._place.plugin, channel=self._place.channel)
        found = rows.aggregate(number=Count("pk"), bytes=Sum("size"))
        ended = time.monotonic()
        with self._lock:
            self._waiting, self._bytes = found["number"], found["bytes"] or 0
            self._look_at = ended + max(LOOK_SECONDS, PATIENCE * (ended - began))
