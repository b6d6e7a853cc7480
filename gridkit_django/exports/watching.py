"""Following a run beside its work: the signs of life, and the moment to notice that it should stop.

On PostgreSQL a thread with a connection of its own does it, so that a statement that takes long is cut off by the
server as soon as the owner stops the job. Elsewhere the worker looks itself, between two chunks of rows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.conf import settings
from gridkit_django.exceptions import ExportCancelled, ExportError, ExportTimeoutError
from gridkit_django.exports.jobs import this_run
from gridkit_django.exports.leases import has_follower
from gridkit_django.exports.progress import Progress, taken
from gridkit_django.models import ExportJob

logger = logging.getLogger("gridkit_django.exports")

SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_BETWEEN_UPDATES = 1.0
_SECONDS_BETWEEN_CUTS = 0.25
"""A cut that comes between two statements strikes neither: the one that follows is cut off soon after."""

_CANCEL_SECONDS = 2.0


class Watch:
    """Follows one run; use it as a context.

    Args:
        job: the job of this worker.
        clock: seconds that only go forward.

    Attributes:
        progress: what the run has done.
        why: the reason to stop, once there is one.
    """

    def __init__(self, job: ExportJob, clock: Callable[[], float] = time.monotonic) -> None:
        self.progress = Progress(job, clock)
        self.why: ExportError | None = None
        self._job = job
        self._clock = clock
        self._ends_at = clock() + settings().EXPORT_SECONDS_MAX
        self._told_at = clock()
        self._looked_at = clock()
        self._worker = threading.get_ident()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._reading: BaseDatabaseWrapper | None = None
        self._cut_at = 0.0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin to follow."""
        if has_follower():
            self._thread = threading.Thread(target=self._follow, name="gridkit export", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Follow no longer."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def add(self, rows: int) -> None:
        """Count written rows, and stop when there is a reason to.

        Raises:
            ExportError: as ``check`` says.
        """
        self.progress.rows += rows
        self.check()

    def check(self) -> None:
        """Stop when there is a reason to.

        Raises:
            ExportCancelled: when the job was asked to stop.
            ExportTimeoutError: when the run takes too long.
            ExportLostError: when the job is no longer this worker's.
        """
        if self._thread is None and self.why is None:
            self._attend()
        if self.why is not None:
            raise self.why

    def glance(self) -> None:
        """Do as ``check`` does, for callers that come by very often: they cost nothing most of the time.

        In threads of others, such as those by which a storage sends a file, nothing is asked of the database.

        Raises:
            ExportError: as ``check`` says.
        """
        mine = threading.get_ident() == self._worker
        due = mine and self._clock() - self._looked_at >= SECONDS_BETWEEN_LOOKS
        if due or self._thread is not None or self.why is not None:
            self.check()

    @contextmanager
    def reading(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        """Let what this connection asks its server in the block be cut off when the job is to stop."""
        with self._lock:
            self._reading = connection
        try:
            yield
        finally:
            with self._lock:
                self._reading = None

    def tell(self) -> None:
        """Write how far the run is now, without waiting for the next turn.

        Raises:
            ExportLostError: when the job is no longer this worker's.
        """
        self._told_at = self._clock()
        self.progress.tell()

    def _follow(self) -> None:
        """Look again and again, in a thread; a database that is away for a while is waited for."""
        told = False
        try:
            while not self._over.wait(SECONDS_BETWEEN_LOOKS):
                try:
                    self._attend()
                    self._cut_off()
                    told = False
                except Error:
                    connections.close_all()
                    if not told:
                        logger.warning("Export job %s can't be followed for now", self._job.pk, exc_info=True)
                    told = True
        finally:
            connections.close_all()

    def _attend(self) -> None:
        self._looked_at = self._clock()
        try:
            self._look()
            if self._clock() - self._told_at >= SECONDS_BETWEEN_UPDATES:
                self.tell()
        except ExportError as error:
            self.why = self.why or error

    def _look(self) -> None:
        asked = this_run(self._job).values_list("cancel_requested", flat=True).first()
        if asked is None:
            raise taken()
        if asked:
            raise ExportCancelled("The export was cancelled while it ran.")
        if self._clock() > self._ends_at:
            raise ExportTimeoutError(
                f"The export ran longer than {settings().EXPORT_SECONDS_MAX} seconds, the most that one run may take "
                "(EXPORT_SECONDS_MAX). Filter it further."
            )

    def _cut_off(self) -> None:
        """Let the server end what the worker waits for.

        It is asked again when the worker waits still, but not at once: the server may not have got to the last one yet.
        """
        if self.why is None or self._clock() - self._cut_at < _SECONDS_BETWEEN_CUTS:
            return
        with self._lock:
            if self._reading is not None:
                self._cut_at = self._clock()
                cut_off(self._reading)


def cut_off(connection: BaseDatabaseWrapper) -> None:
    """Let the server end the statement that this connection waits for, from another thread; PostgreSQL only."""
    raw = connection.connection
    if raw is None or connection.vendor != "postgresql":
        return
    try:
        raw.cancel_safe(timeout=_CANCEL_SECONDS)
    except raw.Error:
        logger.warning("A statement on %s could not be cut off", connection.alias, exc_info=True)
