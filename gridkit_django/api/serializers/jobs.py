"""Jobs on the wire: exports and bulk changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from rest_framework.request import Request

from gridkit_django.api.links import link
from gridkit_django.api.serializers.bodies import ResponseBody
from gridkit_django.exports import describe_job
from gridkit_django.grids.bulk_jobs import describe_bulk_job
from gridkit_django.models import BulkJob, ExportJob, JobState


class JobError(ResponseBody):
    """Why a job failed."""

    code: str
    detail: str


class BulkOutcome(ResponseBody):
    """What a bulk change led to."""

    rows: int
    """How many rows it was about."""
    changed: int
    """How many of them are others now."""
    undo: str | None
    """Post it to `undo/` to take it back; null when that can't be done."""


class Job(ResponseBody):
    """An export or a bulk change: what was asked for, and how far it is."""

    id: str
    grid: str
    kind: Literal["export", "bulk"]
    action: Literal["export", "update", "delete"]
    format: str
    """Of an export; empty for a bulk change."""
    state: Literal["queued", "running", "finished", "failed", "cancelled"]
    progress: float
    """From 0 to 1; 1 only when the job is finished."""
    rows: int
    """Rows done so far."""
    rows_total: int | None
    stage: str
    """What a running export does: `planning`, `writing` or `joining`; else empty."""
    rate: float | None
    """Rows a second in this run of the export."""
    seconds_left: float | None
    """How long it will still take at this rate; null when nobody can tell."""
    queue_position: int | None
    """Place of a queued export among all that wait, 1 for the next one."""
    attempts: int
    """How many workers have begun it since it was asked for."""
    consistency: Literal["", "live", "snapshot"]
    """Of which moment the rows are: `snapshot` for one moment, `live` where each segment has its own."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    """When the file will be deleted."""
    size: int
    """Bytes of the file."""
    error: JobError | None
    remarks: list[str]
    """What the file could not show, such as characters that no font on the server has."""
    name: str
    """Name of the file for a download."""
    url: str
    result_url: str | None
    """Where the file is, once there is one."""
    result: BulkOutcome | None
    """What a finished bulk change led to."""


class JobLink(ResponseBody):
    """A link that downloads a file without logging in."""

    url: str
    expires_at: datetime


class JobPage(ResponseBody):
    """A page of the user's jobs, newest first."""

    results: list[Job]
    next: str | None
    previous: str | None


class JobAccepted(ResponseBody):
    """The job that was started."""

    job: Job


def job_body(job: ExportJob, request: Request) -> dict[str, Any]:
    """Return a job with the addresses of itself and of its result."""
    place = {"grid": job.grid, "job": job.pk}
    ready = job.state == JobState.FINISHED and bool(job.file_name)
    return {
        **describe_job(job),
        "kind": "export",
        "action": "export",
        "result": None,
        "url": link(request, "job", **place),
        "resultUrl": link(request, "job-result", **place) if ready else None,
    }


def bulk_job_body(job: BulkJob, request: Request) -> dict[str, Any]:
    """Return a bulk change as a job, with its address; it has no file."""
    return {
        **describe_bulk_job(job),
        "format": "",
        "size": 0,
        "name": "",
        "expiresAt": None,
        "stage": "",
        "rate": None,
        "secondsLeft": None,
        "queuePosition": None,
        "attempts": 0,
        "consistency": "",
        "remarks": [],
        "url": link(request, "job", grid=job.grid, job=job.pk),
        "resultUrl": None,
    }
