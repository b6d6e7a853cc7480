"""The same export once more, as a new job: the question that was frozen, with the rows as they are now."""

from __future__ import annotations

from gridkit_django.exceptions import ExportNotFoundError
from gridkit_django.exports.creation import request_export
from gridkit_django.exports.picking import selection_of
from gridkit_django.exports.request import ExportRequest
from gridkit_django.grids.access import open_grid
from gridkit_django.grids.query import GridQuery
from gridkit_django.models import ExportJob
from gridkit_django.typing import User


def ask_again(job: ExportJob, user: User) -> ExportJob:
    """Ask for what a job was about as a new one; the old one stays as it is.

    Args:
        job: the job, in whatever state.
        user: its owner: nobody gets what another one asked for.

    Raises:
        ExportNotFoundError: when the job is somebody else's.
        GridKitError: as ``request_export`` says, by what its owner may do now.
    """
    if job.owner_id != user.pk:
        raise ExportNotFoundError("There is no export with this id among yours.")
    request = ExportRequest(
        GridQuery.from_dict(job.query),
        job.format,
        job.options,
        selection_of(job),
        consistency=job.consistency_asked,
        notify=job.notify,
    )
    return request_export(open_grid(job.grid, user), request)
