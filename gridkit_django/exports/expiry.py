"""Cleaning up: files past their time, segments of jobs that nobody goes on with, and jobs that nobody works on."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exports.files import delete_file
from gridkit_django.exports.jobs import fail_lost_jobs
from gridkit_django.exports.kept import clean_up
from gridkit_django.models import ExportJob, JobState

logger = logging.getLogger("gridkit_django.exports")


def expire_exports() -> int:
    """Delete what exports past their time have in the storage, and end jobs that nobody works on. Run it every minutes.

    The rows stay, so that the history of who exported what stays. A file that can't be deleted keeps its name, so that
    the next run tries again, and keeps nothing else from being deleted.

    Returns:
        How many files were deleted.
    """
    fail_lost_jobs()
    _drop_segments()
    past = ExportJob.objects.filter(state=JobState.FINISHED, expires_at__lte=timezone.now()).exclude(file_name="")
    return sum(_expire(job) for job in past.order_by("expires_at").iterator())


def _expire(job: ExportJob) -> bool:
    try:
        delete_file(job.file_name)
    except Exception:  # each storage has errors of its own; the other files are past their time, too
        logger.exception("The file of export job %s could not be deleted", job.pk)
        return False
    job.file_name = ""
    clean_up(job)
    ExportJob.objects.filter(pk=job.pk).update(file_name="")
    return True


def _drop_segments() -> None:
    """Delete the segments of jobs that ended otherwise than by a failure, and of those that failed too long ago."""
    kept_since = timezone.now() - timedelta(hours=settings().EXPORT_EXPIRY_HOURS)
    failed = Q(state=JobState.FAILED)
    ended = Q(state__in=(JobState.FINISHED, JobState.CANCELLED)) | failed & Q(finished_at__lte=kept_since)
    for job in ExportJob.objects.filter(ended, segments__isnull=False).distinct():
        clean_up(job)
