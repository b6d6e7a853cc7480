"""How many bytes of exports may be stored."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum

from gridkit_django.conf import settings
from gridkit_django.exceptions import ExportLimitError, ExportTooLargeError
from gridkit_django.models import ExportJob, ExportSegment


def stored_bytes(owner_id: Any) -> int:
    """Return how many bytes of a user lie in the storage: files and segments."""
    files = ExportJob.objects.filter(owner_id=owner_id).exclude(file_name="")
    segments = ExportSegment.objects.filter(job__owner_id=owner_id)
    return sum(found.aggregate(bytes=Sum("size"))["bytes"] or 0 for found in (files, segments))


def check_stored_bytes(owner_id: Any) -> None:
    """Refuse an export of a user whose storage is full.

    Raises:
        ExportLimitError: when nothing is left.
    """
    most = settings().EXPORT_BYTES_PER_USER
    if stored_bytes(owner_id) >= most:
        raise ExportLimitError(
            f"Your exports take up the {most} bytes that one user may have. Wait until one expires "
            "(EXPORT_EXPIRY_HOURS), or let an administrator delete some."
        )


def check_room(job: ExportJob) -> None:
    """Refuse what a job has just written down, when its owner has more now than may be.

    Jobs that began at the same time each had all the room before them. Call this in the transaction that writes a
    stored file down, with the owner locked, so that each counts what the others stored. Segments of a job whose file is
    stored do not count: they are about to be deleted.

    Raises:
        ExportTooLargeError: when it is more than EXPORT_BYTES_PER_USER.
    """
    most = settings().EXPORT_BYTES_PER_USER
    leaving = _segment_bytes(job) if job.file_name else 0
    if stored_bytes(job.owner_id) - leaving > most:
        raise ExportTooLargeError(
            f"With this file your exports would have more than {most} bytes, the most that one user may have stored "
            "(EXPORT_BYTES_PER_USER). Filter it further, or delete older exports."
        )


def bytes_for(job: ExportJob) -> int:
    """Return how large the file of a job may be: what the site allows for one, and what is left of its owner's."""
    left = settings().EXPORT_BYTES_PER_USER - (stored_bytes(job.owner_id) - _segment_bytes(job))
    return max(min(settings().EXPORT_BYTES_MAX, left), 0)


def _segment_bytes(job: ExportJob) -> int:
    return ExportSegment.objects.filter(job=job).aggregate(bytes=Sum("size"))["bytes"] or 0
