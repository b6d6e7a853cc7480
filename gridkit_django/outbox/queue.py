"""How a channel wakes a worker. The task queue stands above this room, so it is handed in on the app config."""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol, cast

from django.apps import apps
from django.db import transaction

from gridkit_django.conf import settings
from gridkit_django.outbox.channels import database

logger = logging.getLogger("gridkit_django.outbox")

SILENT_SECONDS = 60.0
"""For how long a queue that could not be reached is left alone; Celery beat finds the messages meanwhile."""


class OutboxQueue(Protocol):
    """Hands work to a worker; raises whatever the queue's client raises when it can't be reached."""

    def enqueue_outbox(self, plugin_id: str, channel: str) -> None:
        """Let a worker send what waits in a channel."""
        ...


def outbox_queue() -> OutboxQueue:
    """Return the queue that the app config was given."""
    return cast("OutboxQueue", apps.get_app_config("gridkit_django").job_queue)  # type: ignore[attr-defined]


class Alarm:
    """Wakes a worker for one channel: at once, then not again for ``OUTBOX_DELAY_MS``, whatever is put meanwhile.

    What is put meanwhile goes with the turn that is under way, with the next alarm, or with Celery beat. There is no
    countdown: a worker holds such a task unacknowledged, and with kombu it ends when Redis goes away meanwhile.

    Args:
        plugin_id: the plugin.
        channel: the channel's name.
    """

    def __init__(self, plugin_id: str, channel: str) -> None:
        self._plugin_id = plugin_id
        self._channel = channel
        self._set_until = 0.0
        self._lock = threading.Lock()

    def set(self) -> None:
        """Wake a worker once the transaction under way has committed; at once where there is none."""
        transaction.on_commit(self._ring, using=database())

    def _ring(self) -> None:
        """Wake a worker, unless one was woken just now."""
        delay = settings().OUTBOX_DELAY_MS / 1000
        now = time.monotonic()
        with self._lock:
            if now < self._set_until:
                return
            self._set_until = now + delay
        try:
            outbox_queue().enqueue_outbox(self._plugin_id, self._channel)
        except Exception as error:  # noqa: BLE001 - whatever the queue's client raises; beat finds the messages
            self._set_until = now + SILENT_SECONDS
            logger.warning(
                "No worker could be woken for the channel %s of %s (%s); Celery beat finds its messages.",
                self._channel,
                self._plugin_id,
                type(error).__name__,
            )
