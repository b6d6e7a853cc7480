"""How far a running job is, for everybody to see, and the moment to notice that it should stop."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.utils import timezone

from gridkit_django.exceptions import ExportCancelled, ExportLostError
from gridkit_django.exports.jobs import this_run
from gridkit_django.models import ExportJob

SECONDS_BETWEEN_UPDATES = 0.5


class Progress:
    """Counts the rows of one run.

    Each write is one short statement outside of any transaction, so it is visible at once and locks nothing.

    Args:
        job: the job of this worker.
        total: rows in all.
        clock: seconds that only go forward.
    """

    def __init__(self, job: ExportJob, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rows = 0
        self._job = job
        self._clock = clock
        self._written_at = clock()
        self._update(rows_total=total)

    def add(self, rows: int) -> None:
        """Count written rows, tell the job now and then, and stop when the owner asked for it.

        Raises:
            ExportCancelled: when the job was asked to stop.
            ExportLostError: when the job is no longer this worker's.
        """
        self.rows += rows
        if self._clock() - self._written_at >= SECONDS_BETWEEN_UPDATES:
            self._update()
        self.check()

    def check(self) -> None:
        """Stop when the owner asked for it.

        Raises:
            ExportCancelled: when the job was asked to stop.
            ExportLostError: when the job is no longer this worker's.
        """
        asked = this_run(self._job).values_list("cancel_requested", flat=True).first()
        if asked is None:
            raise self._lost()
        if asked:
            raise ExportCancelled("The export was cancelled while it ran.")

    def _update(self, **values: int) -> None:
        self._written_at = self._clock()
        if not this_run(self._job).update(rows_done=self.rows, seen_at=timezone.now(), **values):
            raise self._lost()

    @staticmethod
    def _lost() -> ExportLostError:
        return ExportLostError("The job was taken from this worker; what it wrote is thrown away.")
