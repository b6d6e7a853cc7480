"""What the page of one export job offers: its file, a stop, another try, the same once more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from gridkit_django.events import EventSource, holding, request_act
from gridkit_django.exceptions import GridKitError
from gridkit_django.exports import ask_again, cancel_export, ready_job, retry_export
from gridkit_django.models import ExportJob, JobState
from gridkit_django.typing import User

VERBS: Mapping[str, Callable[[ExportJob, User], ExportJob]] = MappingProxyType(
    {"cancel": cancel_export, "retry": retry_export, "again": ask_again}
)
"""What can be done to a job, by the name in the address."""

_OPEN = (JobState.QUEUED, JobState.RUNNING)
_STOPPED = (JobState.FAILED, JobState.CANCELLED)


def offered_verbs(job: ExportJob, user: User, *, may_stop: bool) -> list[tuple[str, str]]:
    """Return the verbs that this reader has for a job as it is now, each with its text.

    Args:
        job: the job.
        user: the reader.
        may_stop: the reader may stop and retry anybody's.
    """
    is_owner = job.owner_id == user.pk
    if job.state in _OPEN:
        return [("cancel", _("Cancel"))] if is_owner or may_stop else []
    if job.state in _STOPPED:
        return [("retry", _("Run again"))] if is_owner or may_stop else []
    return [("again", _("Run again"))] if is_owner else []


def download_address(job: ExportJob, user: User) -> str:
    """Return where the owner of a job gets its file; empty for others, and when there is none."""
    try:
        ready_job(job.pk, user)
        return reverse("gridkit:job-result", kwargs={"grid": job.grid, "job": job.pk})
    except (GridKitError, NoReverseMatch):
        return ""


def carry_out(request: HttpRequest, job: ExportJob, verb: str, user: Any) -> ExportJob:
    """Do it, and tell the page what came of it.

    Returns:
        The job to look at afterwards: the same, or the new one.
    """
    with holding(request_act(request, EventSource.ADMIN)):
        try:
            after = VERBS[verb](job, user)
        except GridKitError as error:
            messages.error(request, error.detail)
            return job
    text = _("The export was asked to stop.") if verb == "cancel" else _("The export waits for a worker.")
    messages.success(request, text)
    return after
