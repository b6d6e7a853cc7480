"""The jobs of a plugin: when they run, how they went, running, pausing and resuming them."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation, query_parameter
from gridkit_django.api.parameters import whole_number
from gridkit_django.api.permissions import ACTIVATE, require, visible_plugin
from gridkit_django.api.serializers.bodies import EmptyBody
from gridkit_django.api.serializers.plugin_jobs import (
    PluginJobList,
    PluginJobRunAccepted,
    PluginJobRunList,
    RunJobRequest,
    job_list,
    run_accepted,
    run_list,
)
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import plugin_manager

_RUNS, _RUNS_MAX = 50, 500
_RIGHT = f"Needs `{ACTIVATE}`, for all plugins or for this one."


class PluginJobsView(GridKitView):
    """The jobs of a plugin."""

    operations: ClassVar = {
        "GET": Operation(
            id="listPluginJobs",
            tag="plugins",
            summary="List the jobs of a plugin with their schedules and newest runs",
            responses={200: PluginJobList},
            problems=(404,),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer all of them, by name."""
        row = visible_plugin(request.user, plugin)
        return Response(job_list(plugin_manager().list_jobs(row.plugin_id)))


class PluginJobRunsView(GridKitView):
    """The runs of a plugin's jobs."""

    operations: ClassVar = {
        "GET": Operation(
            id="listPluginJobRuns",
            tag="plugins",
            summary="List the runs of a plugin's jobs, newest first",
            responses={200: PluginJobRunList},
            parameters=(
                query_parameter("job", "Name of the job; left out for all."),
                query_parameter("size", f"How many: 1 to {_RUNS_MAX}, {_RUNS} when left out.", int),
            ),
            problems=(404,),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer the newest."""
        row = visible_plugin(request.user, plugin)
        size = whole_number(request, "size", default=_RUNS, high=_RUNS_MAX)
        return Response(
            run_list(plugin_manager().list_job_runs(row.plugin_id, request.query_params.get("job", ""), size))
        )


class RunJobView(GridKitView):
    """Lets a worker run a job."""

    operations: ClassVar = {
        "POST": Operation(
            id="runPluginJob",
            tag="plugins",
            summary="Let a worker run a job of a plugin",
            description=f"202 with the run; see how it went at `plugins/{{id}}/job-runs/`. {_RIGHT}",
            request=RunJobRequest,
            responses={202: PluginJobRunAccepted},
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, plugin: str, job: str) -> Response:
        """Queue the run."""
        row = visible_plugin(request.user, plugin)
        require(request.user, ACTIVATE, row)
        wish = self.read_body(request, RunJobRequest)
        run = plugin_manager().run_job(row.plugin_id, job, wish.arguments, user=request.user)
        return Response(run_accepted(run), status=202)


class _ScheduleActView(GridKitView):
    """One act on the schedule of a job; answers the plugin's jobs as they are then."""

    def post(self, request: Request, plugin: str, job: str) -> Response:
        """Judge the right, act, and answer the jobs."""
        row = visible_plugin(request.user, plugin)
        require(request.user, ACTIVATE, row)
        self.read_body(request, EmptyBody)
        self.act(row, job, request)
        return Response(job_list(plugin_manager().list_jobs(row.plugin_id)))

    @abstractmethod
    def act(self, plugin: InstalledPlugin, job: str, request: Request) -> None:
        """Do it."""


def _operation(name: str, summary: str, text: str) -> Operation:
    return Operation(
        id=name,
        tag="plugins",
        summary=summary,
        description=f"{text} {_RIGHT}",
        request=EmptyBody,
        responses={200: PluginJobList},
        problems=(403, 404),
    )


class PauseJobView(_ScheduleActView):
    """Stops starting a job by its schedule."""

    operations: ClassVar = {
        "POST": _operation("pausePluginJob", "Stop starting a job by its schedule", "It can still be started by hand.")
    }

    def act(self, plugin: InstalledPlugin, job: str, request: Request) -> None:
        """Pause it."""
        plugin_manager().pause_job(plugin.plugin_id, job, user=request.user)


class ResumeJobView(_ScheduleActView):
    """Starts a job by its schedule again."""

    operations: ClassVar = {
        "POST": _operation(
            "resumePluginJob", "Start a job by its schedule again", "What was missed meanwhile is not made up for."
        )
    }

    def act(self, plugin: InstalledPlugin, job: str, request: Request) -> None:
        """Resume it."""
        plugin_manager().resume_job(plugin.plugin_id, job, user=request.user)
