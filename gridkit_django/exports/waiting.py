"""Jobs that wait: how they get to a worker, also when the task queue was away or a worker died."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exports.claiming import running
from gridkit_django.exports.queue import export_queue
from gridkit_django.models import ExportJob, JobState

logger = logging.getLogger("gridkit_django.exports")

HANDED_AGAIN = timedelta(minutes=1)
"""A message that no worker took for so long may be lost; a job that gets to workers twice runs once."""

_LOOKED_AT = 200


def hand_over(job_id: uuid.UUID) -> bool:
    """Hand a committed job to the task queue; when that can't be reached, the job waits until it can.

    Returns:
        Whether the queue has it.
    """
    try:
        export_queue().enqueue_export(job_id)
    except Exception:  # each task queue has errors of its own; the job is safe, and is handed over later
        logger.exception("Export job %s could not be queued; it waits for the task queue to come back", job_id)
        return False
    ExportJob.objects.filter(pk=job_id).update(handed_at=timezone.now())
    return True


def hand_waiting() -> int:
    """Hand over the jobs that a worker could take now and that no message is under way for; run it every few seconds.

    These are jobs whose worker is gone, jobs whose time to be tried again has come, jobs that waited for others to end,
    and jobs that the queue could not be told of.

    Returns:
        How many were handed over.
    """
    now = timezone.now()
    unheard = Q(handed_at=None) | Q(handed_at__lt=now - HANDED_AGAIN)
    lost = running().filter(unheard, lease_until__lt=now).order_by("created_at").values_list("pk", flat=True)
    handed = 0
    for job_id in [*lost, *_startable(unheard & (Q(retry_at=None) | Q(retry_at__lte=now)))]:
        if not hand_over(job_id):
            break
        handed += 1
    return handed


def _startable(which: Q) -> list[uuid.UUID]:
    """Return the waiting jobs, oldest first, that the limits leave room for."""
    most = settings()
    busy: Counter[Any] = Counter(running().values_list("owner_id", flat=True))
    free = most.EXPORT_RUNNING_MAX - busy.total()
    found: list[uuid.UUID] = []
    waiting = ExportJob.objects.filter(which, state=JobState.QUEUED).order_by("created_at")
    for job_id, owner_id in waiting.values_list("pk", "owner_id")[:_LOOKED_AT]:
        if len(found) >= free:
            break
        if busy[owner_id] < most.EXPORT_RUNNING_PER_USER:
            busy[owner_id] += 1
            found.append(job_id)
    return found
