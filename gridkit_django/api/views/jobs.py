"""Jobs of a user on a grid: how far they are, stopping them, and fetching their files."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.filters import JOB_PARAMETERS, BulkJobFilter, ExportJobFilter, filtered
from gridkit_django.api.operations import Operation, response_header
from gridkit_django.api.pagination import PAGE_PARAMETERS, JobPagination, page_response
from gridkit_django.api.parameters import choice
from gridkit_django.api.serializers.jobs import Job, JobPage, bulk_job_body, job_body
from gridkit_django.exceptions import ExportNotFoundError, QueryError
from gridkit_django.exports import cancel_export, get_job, open_result
from gridkit_django.grids import GridAccess, open_grid
from gridkit_django.grids.bulk_jobs import bulk_jobs, cancel_bulk, find_bulk_job
from gridkit_django.models import ExportJob, JobState
from gridkit_django.typing import User


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
            description="409 while there is no file; 410 when it has expired. Only the owner gets it.",
            responses={200: OpenApiTypes.BINARY},
            parameters=(response_header("Content-Disposition", "The file's name (RFC 6266).", 200),),
            problems=(403, 404, 409, 410),
        )
    }

    def get(self, request: Request, grid: str, job: uuid.UUID) -> FileResponse:
        """Stream the file as an attachment."""
        found = _job_of(grid, job, request.user)
        result = open_result(found.pk, request.user)
        return FileResponse(
            result.file,
            as_attachment=True,
            filename=result.job.download_name,
            content_type=result.job.content_type or "application/octet-stream",
        )


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
