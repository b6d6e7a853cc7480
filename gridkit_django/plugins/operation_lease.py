"""To whom an operation belongs: one worker at a time, as long as it gives signs of life.

Each run has a number, the fence. What a worker writes counts only while the row still has its number, so a worker that
was slow and lost its operation can't spoil what the next one does.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
import uuid
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from django.db import Error, connections, router, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from gridkit_django.models import OperationState, PluginOperation

logger = logging.getLogger("gridkit_django.plugins")

SHORT = timedelta(seconds=20)
"""Where a thread of its own gives the signs of life, whatever the worker is busy with."""

LONG = timedelta(minutes=10)
"""Where the worker itself gives them, between two steps: the longest step."""

BEAT_SECONDS = 3.0
DEATHS_MAX = 3
"""Workers that may be lost over one step; then the operation is undone, because the next one would be lost too."""

UNDOING_DEATHS_MAX = 2 * DEATHS_MAX
"""Workers that may be lost over one step and over undoing it; then it ends as it is, and says so."""


def operations_database() -> str:
    """Return the alias of the database that holds the operations."""
    return router.db_for_write(PluginOperation)


def has_follower() -> bool:
    """Whether a thread can give the signs of life: it needs a connection of its own that sees the operation."""
    connection = connections[operations_database()]
    return connection.vendor == "postgresql" and not connection.in_atomic_block


def lease_time() -> timedelta:
    """Return for how long an operation belongs to its worker from a sign of life on."""
    return SHORT if has_follower() else LONG


def lost_operations(now: datetime) -> QuerySet[PluginOperation]:
    """Return the running operations whose worker gives no sign of life any more."""
    return PluginOperation.objects.filter(state=OperationState.RUNNING, lease_until__lt=now)


def this_run(operation: PluginOperation) -> QuerySet[PluginOperation]:
    """Return the queryset that holds the operation as long as it is still this worker's."""
    running = PluginOperation.objects.filter(pk=operation.pk, state=OperationState.RUNNING)
    return running.filter(fence=operation.fence)


def claim(operation_id: uuid.UUID | str) -> PluginOperation | None:
    """Take an operation that waits, or whose worker is gone, for this worker.

    None when it is gone, has ended, or is in a living worker's hands.
    """
    now = timezone.now()
    free = Q(state=OperationState.QUEUED) | Q(state=OperationState.RUNNING, lease_until__lt=now)
    with transaction.atomic(using=operations_database()):
        rows = PluginOperation.objects.filter(free, pk=operation_id)
        # The first statement is a write: where a database has no row locks, that locks it whole.
        if not rows.update(fence=F("fence") + 1):
            return None
        operation = PluginOperation.objects.select_related("requested_by").get(pk=operation_id)
        operation.deaths += operation.state == OperationState.RUNNING
        operation.state, operation.started_at = OperationState.RUNNING, operation.started_at or now
        operation.lease_until = now + lease_time()
        operation.worker = f"{platform.node()[:255]} · {os.getpid()}"
        operation.save(update_fields=["state", "started_at", "lease_until", "worker", "deaths"])
    return operation


def extend(operation: PluginOperation) -> bool:
    """Give a sign of life; whether the operation is still this worker's."""
    return bool(this_run(operation).update(lease_until=timezone.now() + lease_time()))


def give_back(operation: PluginOperation) -> None:
    """Let another worker go on at once, because this one has to end."""
    this_run(operation).update(lease_until=timezone.now() - timedelta(seconds=1))


class Heartbeat:
    """Gives signs of life for an operation beside the work; use it as a context.

    Args:
        operation: the operation of this worker.
    """

    def __init__(self, operation: PluginOperation) -> None:
        self._operation = operation
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin, where a thread can do it."""
        if has_follower():
            self._thread = threading.Thread(target=self._beat, name="gridkit operation", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """End."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                try:
                    until = timezone.now() + SHORT
                    if not this_run(self._operation).update(lease_until=until):
                        return
                except Error:
                    connections.close_all()
                    logger.warning("No sign of life for operation %s for now", self._operation.pk, exc_info=True)
        finally:
            connections.close_all()
