"""Cleaning up: files past their time and jobs that nobody works on."""

from __future__ import annotations

from django.utils import timezone

from gridkit_django.exports.files import delete_file
from gridkit_django.exports.jobs import fail_lost_jobs
from gridkit_django.models import ExportJob, JobState


def expire_exports() -> int:
    """Delete the files of exports past their time and end jobs whose worker is gone. Run it every few minutes.

    The rows stay, so that the history of who exported what stays.

    Returns:
        How many files were deleted.
    """
    fail_lost_jobs()
    past = ExportJob.objects.filter(state=JobState.FINISHED, expires_at__lte=timezone.now()).exclude(file_name="")
    names = dict(past.values_list("pk", "file_name"))
    for job_id, name in names.items():
        delete_file(name)
        ExportJob.objects.filter(pk=job_id).update(file_name="")
    return len(names)
