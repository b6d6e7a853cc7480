"""Jobs of plugins and their runs on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.plugins import JobInfo, JobRun


class PluginJobError(ResponseBody):
    """Why a run failed."""

    code: str
    detail: str


class PluginJobRun(ResponseBody):
    """One run of a plugin's job."""

    id: str
    job: str
    state: Literal["queued", "running", "finished", "failed"]
    scheduled: bool
    """Whether it was started by its schedule."""
    arguments: dict[str, Any]
    result: Any
    """What the job returned, when it has finished."""
    error: PluginJobError | None
    requested_by: str | None
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


class PluginJob(ResponseBody):
    """One job of a plugin."""

    name: str
    label: str
    available: bool
    """Whether the plugin offers it now, so that it can be started."""
    arguments: dict[str, Any]
    """JSON Schema (2020-12) of its arguments; empty when it is not available."""
    every_seconds: int | None
    """Its interval."""
    cron: str | None
    """Its crontab, in the site's time zone."""
    paused: bool
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_run: PluginJobRun | None
    """Its newest run, by the schedule or by hand."""


class PluginJobList(ResponseBody):
    """The jobs of a plugin, by name."""

    results: list[PluginJob]


class PluginJobRunList(ResponseBody):
    """Runs, newest first."""

    results: list[PluginJobRun]


class PluginJobRunAccepted(ResponseBody):
    """The run that a worker was asked for."""

    run: PluginJobRun


class RunJobRequest(RequestBody):
    """What a job is started with."""

    arguments: dict[str, Any] = Field(default_factory=dict)


def job_list(found: Iterable[JobInfo]) -> dict[str, Any]:
    """Return the jobs of a plugin."""
    return PluginJobList(results=[_job(item) for item in found]).to_wire()


def run_list(found: Iterable[JobRun]) -> dict[str, Any]:
    """Return runs."""
    return PluginJobRunList(results=[_run(item) for item in found]).to_wire()


def run_accepted(run: JobRun) -> dict[str, Any]:
    """Return the run that was queued."""
    return PluginJobRunAccepted(run=_run(run)).to_wire()


def _job(found: JobInfo) -> PluginJob:
    return PluginJob(
        name=found.name,
        label=found.label,
        available=found.available,
        arguments=dict(found.schema),
        every_seconds=found.every_seconds,
        cron=found.cron or None,
        paused=found.paused,
        next_run_at=found.next_run_at,
        last_run_at=found.last_run_at,
        last_run=None if found.last_run is None else _run(found.last_run),
    )


def _run(found: JobRun) -> PluginJobRun:
    error = PluginJobError(code=found.error_code, detail=found.error_detail)
    return PluginJobRun(
        id=found.id,
        job=found.job,
        state=found.state,
        scheduled=found.scheduled,
        arguments=dict(found.arguments),
        result=found.result,
        error=error if found.error_code else None,
        requested_by=found.requested_by or None,
        created_at=found.created_at,
        started_at=found.started_at,
        finished_at=found.finished_at,
    )
