"""How many bytes of exports may be stored."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum

from gridkit_django.conf import settings
from gridkit_django.exceptions import ExportLimitError
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


def bytes_for(job: ExportJob) -> int:
    """Return how large the file of a job may be: what the site allows for one, and what is left of its owner's."""
    mine = ExportSegment.objects.filter(job=job).aggregate(bytes=Sum("size"))["bytes"] or 0
    left = settings().EXPORT_BYTES_PER_USER - (stored_bytes(job.owner_id) - mine)
    return max(min(settings().EXPORT_BYTES_MAX, left), 0)
