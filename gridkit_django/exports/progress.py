"""How far a run of a job is, for everybody to see."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.utils import timezone

from gridkit_django.exceptions import ExportLostError
from gridkit_django.exports.jobs import this_run
from gridkit_django.exports.leases import lease_time
from gridkit_django.models import ExportJob, JobStage


class Progress:
    """Counts what one run has done, and writes it on the job.

    Args:
        job: the job of this worker.
        clock: seconds that only go forward.

    Attributes:
        rows: rows in the file so far, with those that runs before this one wrote.
        size: bytes in segments so far.
        total: rows in all; None as long as nobody has counted.
        stage: what the run does.
    """

    def __init__(self, job: ExportJob, clock: Callable[[], float] = time.monotonic) -> None:
        self.rows = 0
        self.size = 0
        self.total: int | None = None
        self.stage = JobStage.PLANNING
        self._job = job
        self._clock = clock
        self._lease = lease_time()
        self._rows_before = 0
        self._began = clock()

    def begin(self, total: int, rows: int = 0, size: int = 0) -> None:
        """Start to count.

        Args:
            total: rows in all.
            rows: rows that runs before this one wrote.
            size: bytes of them.
        """
        self.total, self.rows, self.size = total, rows, size
        self.stage = JobStage.WRITING
        self._rows_before = rows
        self._began = self._clock()

    @property
    def rate(self) -> float | None:
        """Rows a second in this run; None before there is anything to go by."""
        spent = self._clock() - self._began
        done = self.rows - self._rows_before
        return done / spent if done > 0 and spent > 0 else None

    def tell(self) -> None:
        """Write it on the job, which keeps the job this worker's for another while.

        It is one short statement outside of any transaction, so it is visible at once and locks nothing.

        Raises:
            ExportLostError: when the job is no longer this worker's.
        """
        now = timezone.now()
        told = {"rows_done": self.rows, "bytes_done": self.size, "rate": self.rate, "stage": self.stage}
        if self.total is not None:
            told["rows_total"] = self.total
        if not this_run(self._job).update(seen_at=now, lease_until=now + self._lease, **told):
            raise taken()


def taken() -> ExportLostError:
    """Return what a worker meets whose job was given to another."""
    return ExportLostError("The job was taken from this worker; what it wrote is thrown away.")
