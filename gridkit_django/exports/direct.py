"""Small exports in the answer itself: the same job, the same writers, the same file, only without a worker."""

from __future__ import annotations

from django.db import connections

from gridkit_django.conf import settings
from gridkit_django.exceptions import GridNotFoundError, QueryError, UnknownFormatError
from gridkit_django.exports.jobs import database
from gridkit_django.exports.picking import picked_by
from gridkit_django.exports.registry import exporters
from gridkit_django.exports.rows import RowSource
from gridkit_django.exports.running import run_export
from gridkit_django.exports.waiting import hand_over
from gridkit_django.grids.access import open_grid
from gridkit_django.grids.query import GridQuery
from gridkit_django.models import ExportJob, JobState


def answer_at_once(job: ExportJob) -> bool:
    """Carry out a job that was made with ``queue=False`` if it is small; else let a worker do so.

    Small is what has no more rows than ``EXPORT_DIRECT_ROWS_MAX``, in a format whose writer is quick. Inside of a
    transaction nothing is carried out: its job is not there yet for others, and each step would wait for its end.

    Args:
        job: the job, which is read again.

    Returns:
        Whether it has ended here.
    """
    if not _is_small(job):
        hand_over(job.pk)
        job.refresh_from_db()
        return False
    run_export(job.pk)
    job.refresh_from_db()
    return job.state in (JobState.FINISHED, JobState.FAILED)


def _is_small(job: ExportJob) -> bool:
    most = settings().EXPORT_DIRECT_ROWS_MAX
    if not most or connections[database()].in_atomic_block:
        return False
    try:
        if not exporters().get(job.format).direct:
            return False
        source = RowSource(picked_by(open_grid(job.grid, job.owner), job), GridQuery.from_dict(job.query))
        return source.count_up_to(most + 1) <= most
    except (GridNotFoundError, QueryError, UnknownFormatError):
        return False
