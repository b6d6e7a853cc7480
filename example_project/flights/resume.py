"""The in-memory broker forgets with its process; the job rows do not."""

from __future__ import annotations

from gridkit_django.exports.queue import export_queue
from gridkit_django.models import ExportJob, JobState


def resume_queued_exports() -> int:
    """Hand the exports that still wait to the worker again, and return how many.

    Call it when the broker starts empty. A job that is handed over twice runs once.
    """
    waiting = list(ExportJob.objects.filter(state=JobState.QUEUED).order_by("created_at").values_list("pk", flat=True))
    for job_id in waiting:
        export_queue().enqueue_export(job_id)
    return len(waiting)
