"""The page of one's exports: how far each is, its file, ways to stop it and to try it again. Mails lead here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from types import MappingProxyType
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from gridkit_django.events import EventSource, holding, request_act
from gridkit_django.exceptions import GridKitError
from gridkit_django.exports import ask_again, cancel_export, describe_job, get_job, retry_export
from gridkit_django.grids import open_grids
from gridkit_django.models import ExportJob, JobState
from gridkit_django.pages.export_choice import JobChoice
from gridkit_django.typing import User

JOBS_PER_PAGE = 25
_OPEN = (JobState.QUEUED, JobState.RUNNING)
_ACTS: Mapping[str, Callable[[ExportJob, User], ExportJob]] = MappingProxyType(
    {"retry": retry_export, "again": ask_again, "cancel": cancel_export}
)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def exports_page(request: HttpRequest) -> HttpResponse:
    """List the user's exports, newest first; a POST stops one, or tries one again."""
    user = cast("User", request.user)
    if request.method == "POST":
        _act(request, user)
        return HttpResponseRedirect(request.get_full_path())
    grids = open_grids(user)
    own = ExportJob.objects.filter(owner_id=user.pk)
    labels = {str(access.grid_id): str(access.options.label) for access in grids}
    choice = JobChoice(own, request.GET, labels)
    page = Paginator(choice.jobs, JOBS_PER_PAGE).get_page(request.GET.get("page"))
    told = [_told(job, labels) for job in page]
    context = {
        "jobs": told,
        "open": any(job["is_open"] for job in told),
        "grids": grids,
        "exportable": [access for access in grids if access.can_export],
        "page": page,
        "choice": choice,
    }
    return render(request, "gridkit/exports.html", context)


def _act(request: HttpRequest, user: User) -> None:
    """Stop a job, try it again, or ask for the same once more; a refusal is told on the page."""
    name = next((name for name in _ACTS if name in request.POST), "cancel")
    with holding(request_act(request, EventSource.API)):
        try:
            _ACTS[name](get_job(request.POST.get(name, ""), user), user)
        except GridKitError as error:
            messages.error(request, error.detail)


def _told(job: ExportJob, labels: Mapping[str, str]) -> dict[str, Any]:
    there = bool(job.file_name) and job.expires_at is not None and job.expires_at > timezone.now()
    is_finished = job.state == JobState.FINISHED
    ready = is_finished and there and job.grid in labels
    told = describe_job(job)
    left = told.get("secondsLeft")
    return {
        **told,
        "secondsLeft": ceil(left) if isinstance(left, float | int) else None,
        "title": labels.get(job.grid, job.grid),
        "word": job.get_state_display(),
        "percent": round(job.progress * 100),
        "is_open": job.state in _OPEN,
        "created": job.created_at,
        "until": job.expires_at,
        "may_retry": job.state in (JobState.FAILED, JobState.CANCELLED),
        "is_gone": is_finished and not there,
        "may_ask_again": is_finished and not there and job.grid in labels,
        "trouble": job.error_detail if job.state == JobState.QUEUED else "",
        "url": reverse("gridkit:job-result", kwargs={"grid": job.grid, "job": job.pk}) if ready else None,
    }
