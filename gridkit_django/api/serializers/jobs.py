"""Export jobs on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from rest_framework.request import Request

from gridkit_django.api.links import link
from gridkit_django.api.serializers.bodies import ResponseBody
from gridkit_django.exports import describe_job
from gridkit_django.models import ExportJob, JobState


class JobError(ResponseBody):
    """Why a job failed."""

    code: str
    detail: str


class Job(ResponseBody):
    """An export: what was asked for, and how far it is."""

    id: str
    grid: str
    format: str
    state: Literal["queued", "running", "finished", "failed", "cancelled"]
    progress: float
    """From 0 to 1; 1 only when the job is finished."""
    rows: int
    """Rows written so far."""
    rows_total: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    """When the file will be deleted."""
    size: int
    """Bytes of the file."""
    error: JobError | None
    name: str
    """Name of the file for a download."""
    url: str
    result_url: str | None
    """Where the file is, once there is one."""


class JobPage(ResponseBody):
    """A page of the user's jobs, newest first."""

    results: list[Job]
    next: str | None
    previous: str | None


class JobAccepted(ResponseBody):
    """The job that a method has started."""

    job: Job


def job_body(job: ExportJob, request: Request) -> dict[str, Any]:
    """Return a job with the addresses of itself and of its result."""
    place = {"grid": job.grid, "job": job.pk}
    ready = job.state == JobState.FINISHED and bool(job.file_name)
    return {
        **describe_job(job),
        "url": link(request, "job", **place),
        "resultUrl": link(request, "job-result", **place) if ready else None,
    }
