"""The page of one's exports: how far each is, its file, ways to stop it and to try it again. Mails lead here."""

from __future__ import annotations

from math import ceil
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
from gridkit_django.exceptions import GridKitError, GridNotFoundError
from gridkit_django.exports import cancel_export, describe_job, get_job, retry_export
from gridkit_django.grids import open_grid, open_grids
from gridkit_django.models import ExportJob, JobState
from gridkit_django.pages.export_choice import JobChoice
from gridkit_django.typing import User

JOBS_PER_PAGE = 25
_OPEN = (JobState.QUEUED, JobState.RUNNING)


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
    choice = JobChoice(own, request.GET, {str(access.grid_id): str(access.options.label) for access in grids})
    page = Paginator(choice.jobs, JOBS_PER_PAGE).get_page(request.GET.get("page"))
    told = [_told(job, user) for job in page]
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
    """Stop a job, or try it again; a refusal is told on the page."""
    act = retry_export if "retry" in request.POST else cancel_export
    job_id = request.POST.get("retry") or request.POST.get("cancel", "")
    with holding(request_act(request, EventSource.API)):
        try:
            act(get_job(job_id, user), user)
        except GridKitError as error:
            messages.error(request, error.detail)


def _told(job: ExportJob, user: User) -> dict[str, Any]:
    there = bool(job.file_name) and job.expires_at is not None and job.expires_at > timezone.now()
    try:
        title = str(open_grid(job.grid, user).options.label)
    except GridNotFoundError:
        title, there = job.grid, False
    ready = job.state == JobState.FINISHED and there
    told = describe_job(job)
    left = told.get("secondsLeft")
    return {
        **told,
        "secondsLeft": ceil(left) if isinstance(left, float | int) else None,
        "title": title,
        "word": job.get_state_display(),
        "percent": round(job.progress * 100),
        "is_open": job.state in _OPEN,
        "created": job.created_at,
        "until": job.expires_at,
        "may_retry": job.state in (JobState.FAILED, JobState.CANCELLED),
        "url": reverse("gridkit:job-result", kwargs={"grid": job.grid, "job": job.pk}) if ready else None,
    }
