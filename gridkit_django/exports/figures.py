"""How the exports of the site are: what waits, what runs, what nobody works on, and what is stored."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Min, Q, Sum
from django.utils import timezone

from gridkit_django.exports.jobs import OPEN_STATES
from gridkit_django.models import ExportJob, ExportSegment, JobState


@dataclass(frozen=True, slots=True)
class ExportFigures:
    """The exports of the site.

    Attributes:
        queued: jobs that wait.
        running: jobs that a worker has.
        lost: those of them whose worker gave no sign of life in time; ``gridkit.resume_exports`` hands them on.
        waited_seconds: how long the oldest waiting job has waited; 0 when none waits.
        stored_bytes: bytes of all files and segments in the storage.
    """

    queued: int
    running: int
    lost: int
    waited_seconds: float
    stored_bytes: int


def export_figures() -> ExportFigures:
    """Return the figures of now."""
    now = timezone.now()
    queued, running = Q(state=JobState.QUEUED), Q(state=JobState.RUNNING)
    found = ExportJob.objects.filter(state__in=OPEN_STATES).aggregate(
        queued=Count("pk", filter=queued),
        running=Count("pk", filter=running),
        lost=Count("pk", filter=running & Q(lease_until__lt=now)),
        oldest=Min("created_at", filter=queued),
    )
    files = ExportJob.objects.exclude(file_name="").aggregate(bytes=Sum("size"))["bytes"] or 0
    segments = ExportSegment.objects.aggregate(bytes=Sum("size"))["bytes"] or 0
    waited = (now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    return ExportFigures(found["queued"], found["running"], found["lost"], max(waited, 0.0), files + segments)
