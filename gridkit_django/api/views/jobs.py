"""Jobs of a user on a grid: how far they are, stopping them, and fetching their files."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.downloads import file_response
from gridkit_django.api.filters import JOB_PARAMETERS, BulkJobFilter, ExportJobFilter, filtered
from gridkit_django.api.links import link
from gridkit_django.api.operations import Answer, Operation, header_parameter, response_header
from gridkit_django.api.pagination import PAGE_PARAMETERS, JobPagination, page_response
from gridkit_django.api.parameters import choice
from gridkit_django.api.serializers.jobs import Job, JobLink, JobPage, bulk_job_body, job_body
from gridkit_django.exceptions import ExportNotFoundError, QueryError
from gridkit_django.exports import (
    cancel_export,
    get_job,
    open_result,
    owner_of_link,
    ready_job,
    retry_export,
    sign_link,
)
from gridkit_django.grids import GridAccess, open_grid
from gridkit_django.grids.bulk_jobs import bulk_jobs, cancel_bulk, find_bulk_job
from gridkit_django.models import ExportJob, JobState
from gridkit_django.typing import User

FILE_RESPONSES: Mapping[int, Answer] = MappingProxyType({200: OpenApiTypes.BINARY, 206: OpenApiTypes.BINARY, 304: None})
FILE_PARAMETERS = (
    header_parameter("Range", "One range of bytes."),
    header_parameter("If-Range", "The tag that the range belongs to."),
    header_parameter("If-None-Match", "The tag of what you have."),
    response_header("Content-Disposition", "The file's name (RFC 6266).", 200, 206),
    response_header("ETag", "The tag of the file.", 200, 206, 304),
    response_header("Content-Range", "Which part it is.", 206, 416),
)


class JobListView(GridKitView):
    """The user's jobs on a grid."""

    operations: ClassVar = {
        "GET": Operation(
            id="listJobs",
            tag="jobs",
            summary="List your jobs on a grid, newest first",
            responses={200: JobPage},
            parameters=(*JOB_PARAMETERS, *PAGE_PARAMETERS),
            problems=(404,),
        )
    }

    def get(self, request: Request, grid: str) -> Response:
        """Answer one page."""
        access = open_grid(grid, request.user)
        if choice(request, "kind", ("export", "bulk")) == "bulk":
            return self._bulk_changes(request, access)
        jobs = ExportJob.objects.filter(owner_id=request.user.pk, grid=access.grid_id)
        return page_response(JobPagination(), filtered(ExportJobFilter, request, jobs), self, self._bodies)

    def _bulk_changes(self, request: Request, access: GridAccess) -> Response:
        """Answer one page of bulk changes.

        Raises:
            QueryError: when a format is asked for: they have none.
        """
        if "format" in request.query_params:
            raise QueryError("Bulk changes have no format. Leave it out, or ask for exports.")
        found = filtered(BulkJobFilter, request, bulk_jobs(access))
        return page_response(
            JobPagination(), found, self, lambda jobs: [bulk_job_body(job, self.request) for job in jobs]
        )

    def _bodies(self, jobs: list[ExportJob]) -> list[dict[str, Any]]:
        return [job_body(job, self.request) for job in jobs]


class JobView(GridKitView):
    """One job of the user."""

    operations: ClassVar = {
        "GET": Operation(
            id="getJob", tag="jobs", summary="See how far a job is", responses={200: Job}, problems=(404,)
        ),
        "DELETE": Operation(
            id="cancelJob",
            tag="jobs",
            summary="Stop a job",
            description=(
                "200: the job has ended, cancelled or as it was. 202: it runs, and stops at its next step. "
                "The job stays in the list. Of a bulk change that was stopped nothing is kept."
            ),
            responses={200: Job, 202: Job},
            problems=(403, 404),
        ),
    }

    def get(self, request: Request, grid: str, job: uuid.UUID) -> Response:
        """Answer the job."""
        bulk = find_bulk_job(open_grid(grid, request.user), job)
        if bulk is not None:
            return Response(bulk_job_body(bulk, request))
        return Response(job_body(_job_of(grid, job, request.user), request))

    def delete(self, request: Request, grid: str, job: uuid.UUID) -> Response:
        """Stop the job."""
        bulk = find_bulk_job(open_grid(grid, request.user), job)
        if bulk is not None:
            return Response(bulk_job_body(cancel_bulk(bulk), request))
        stopped = cancel_export(_job_of(grid, job, request.user), request.user)
        status = 202 if stopped.state == JobState.RUNNING else 200
        return Response(job_body(stopped, request), status=status)


class JobResultView(GridKitView):
    """The file of a finished job."""

    throttle_scopes: ClassVar = {"GET": "exports"}
    operations: ClassVar = {
        "GET": Operation(
            id="getJobResult",
            tag="jobs",
            summary="Download a job's file",
            description=(
                "409 while there is no file; 410 when it has expired. Only the owner gets it. A part of it comes for "
                "one `Range`, with 206."
            ),
            responses=FILE_RESPONSES,
            parameters=FILE_PARAMETERS,
            problems=(403, 404, 409, 410, 416),
        )
    }

    def get(self, request: Request, grid: str, job: uuid.UUID) -> HttpResponseBase:
        """Stream the file as an attachment."""
        found = ready_job(_job_of(grid, job, request.user).pk, request.user)
        return file_response(request, found, lambda part: open_result(found.pk, request.user, part=part))


class JobRetryView(GridKitView):
    """Another try of an export that failed or was cancelled."""

    throttle_scopes: ClassVar = {"POST": "exports"}
    operations: ClassVar = {
        "POST": Operation(
            id="retryJob",
            tag="jobs",
            summary="Try an export again that failed or was cancelled",
            description="What it had made is kept. An export that did not fail stays as it is.",
            responses={202: Job},
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, grid: str, job: uuid.UUID) -> Response:
        """Let the job wait for a worker again."""
        tried = retry_export(_job_of(grid, job, request.user), request.user)
        return Response(job_body(tried, request), status=202)


class JobLinkView(GridKitView):
    """A signed link to the file of a finished job."""

    throttle_scopes: ClassVar = {"POST": "exports"}
    operations: ClassVar = {
        "POST": Operation(
            id="linkJobResult",
            tag="jobs",
            summary="Make a link that downloads a job's file without logging in",
            description="It holds for `EXPORT_LINK_SECONDS`, and ends before when you lose the right to the file.",
            responses={201: JobLink},
            problems=(403, 404, 409, 410),
        )
    }

    def post(self, request: Request, grid: str, job: uuid.UUID) -> Response:
        """Make the link."""
        made = sign_link(_job_of(grid, job, request.user).pk, request.user)
        url = link(request, "export-link", token=made.token)
        return Response(JobLink(url=url, expires_at=made.expires_at).to_wire(), status=201)


class LinkedResultView(GridKitView):
    """The file behind a signed link."""

    permission_classes = (AllowAny,)
    operations: ClassVar = {
        "GET": Operation(
            id="getLinkedResult",
            tag="jobs",
            summary="Download a file by its signed link",
            description="404 for a link that does not hold (any more).",
            responses=FILE_RESPONSES,
            parameters=FILE_PARAMETERS,
            problems=(403, 404, 409, 410, 416),
            public=True,
        )
    }

    def get(self, request: Request, token: str) -> HttpResponseBase:
        """Stream the file as an attachment."""
        job, owner = owner_of_link(token, request.user)
        found = ready_job(job.pk, owner)
        return file_response(request, found, lambda part: open_result(found.pk, owner, part=part, by="signed link"))


def _job_of(grid: str, job_id: uuid.UUID, user: User) -> ExportJob:
    """Return the user's job on this grid.

    Raises:
        GridNotFoundError: when the user may not open the grid.
        ExportNotFoundError: when the job is not theirs, or of another grid.
    """
    access = open_grid(grid, user)
    job = get_job(job_id, user)
    if job.grid != access.grid_id:
        raise ExportNotFoundError("There is no export with this id among yours.")
    return job
