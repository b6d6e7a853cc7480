"""Export jobs in the admin: who exports what, how far it is, and a way to stop it."""

from __future__ import annotations

from math import ceil
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gridkit_django.admin.export_verbs import VERBS, carry_out, download_address, offered_verbs
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.events import EventSource, holding, request_act
from gridkit_django.exceptions import GridKitError
from gridkit_django.exports import cancel_export, describe_job, may_see_query, retry_export
from gridkit_django.models import ExportJob, JobState
from gridkit_django.typing import User


class ExportJobAdmin(ReadOnlyAdmin[ExportJob]):
    """The jobs, newest first; pages of jobs that are under way renew themselves."""

    list_display = ("created_at", "grid", "format", "owner", "state", "progress_bar", "file_size")
    list_filter = ("state", "format", "grid", ("schedule", admin.RelatedOnlyFieldListFilter), "created_at")
    search_fields = ("grid", "owner__username", "download_name", "error_detail")
    list_select_related = ("owner", "schedule")
    date_hierarchy = "created_at"
    actions = ("cancel_jobs", "retry_jobs")
    fields = (
        "grid",
        "format",
        "owner",
        "state",
        "progress_bar",
        "rows_done",
        "rows_total",
        "stage",
        "consistency",
        "attempts",
        "schedule",
        "notify",
        "query",
        "selection",
        "options",
        "download_name",
        "file_size",
        "error_code",
        "error_detail",
        "created_at",
        "started_at",
        "finished_at",
        "expires_at",
        "correlation_id",
    )
    readonly_fields = fields

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> ExportJob | None:
        """Return a job; its question is left out when it names a column that the reader may not see (one gate)."""
        job = super().get_object(request, object_id, from_field)
        if job is not None and not may_see_query(job, request.user):
            job.query, job.selection = {}, None
        return job

    def get_urls(self) -> list[URLPattern]:
        """Add the verbs of the page of one job."""
        act = self.admin_site.admin_view(self.act_on)
        return [path("<uuid:pk>/do/<slug:verb>/", act, name="gridkit_django_exportjob_do"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one job, with its file and its verbs."""
        job = super().get_object(request, object_id)
        more: dict[str, Any] = {}
        if job is not None:
            user = cast("User", request.user)
            more["job_verbs"] = offered_verbs(job, user, may_stop=self.has_cancel_permission(request))
            more["job_file"] = download_address(job, user)
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def act_on(self, request: HttpRequest, pk: UUID, verb: str) -> HttpResponse:
        """Carry out a verb, and show the job that it led to.

        Raises:
            Http404: when there is no such job or verb.
            PermissionDenied: when the reader may not look at jobs; what is not offered to them is refused in words.
        """
        job = super().get_object(request, str(pk))
        if job is None or verb not in VERBS:
            raise Http404
        if not self.has_view_permission(request, job):
            raise PermissionDenied
        if request.method == "POST":
            user = cast("User", request.user)
            if verb in dict(offered_verbs(job, user, may_stop=self.has_cancel_permission(request))):
                job = carry_out(request, job, verb, user)
            else:
                messages.error(request, _now("This can't be done to the export as it is now, or not by you."))
        return HttpResponseRedirect(reverse("admin:gridkit_django_exportjob_change", args=[job.pk]))

    @admin.display(description=_("progress"))
    def progress_bar(self, job: ExportJob) -> SafeString:
        """Show how much is done, as a bar and as a number."""
        percent = round(job.progress * 100)
        under_way = "data-open" if job.state in (JobState.QUEUED, JobState.RUNNING) else ""
        return format_html(
            '<progress class="gridkit-progress" max="100" value="{0}" aria-label="{0} %" {1}></progress> {0} %{2}',
            percent,
            under_way,
            _how_far(job),
        )

    @admin.display(description=_("size"), ordering="size")
    def file_size(self, job: ExportJob) -> str:
        """Show the size of the file for people."""
        return filesizeformat(job.size) if job.size else "-"

    @admin.action(description=_("Cancel selected jobs"), permissions=["cancel"])
    def cancel_jobs(self, request: HttpRequest, queryset: QuerySet[ExportJob]) -> None:
        """Ask the selected jobs that are not yet done to stop."""
        waiting = queryset.filter(state__in=(JobState.QUEUED, JobState.RUNNING))
        for job in waiting:
            cancel_export(job, request.user)
        text = ngettext("%d job was asked to stop.", "%d jobs were asked to stop.", len(waiting)) % len(waiting)
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description=_("Try selected jobs again"), permissions=["cancel"])
    def retry_jobs(self, request: HttpRequest, queryset: QuerySet[ExportJob]) -> None:
        """Ask for the selected jobs that failed or were cancelled again; what they had made is kept."""
        tried = 0
        with holding(request_act(request, EventSource.ADMIN)):
            for job in queryset.filter(state__in=(JobState.FAILED, JobState.CANCELLED)):
                try:
                    tried += retry_export(job, request.user).state == JobState.QUEUED
                except GridKitError as error:
                    self.message_user(request, f"{job}: {error.detail}", messages.ERROR)
        text = ngettext("%d job waits again.", "%d jobs wait again.", tried) % tried
        self.message_user(request, text, messages.SUCCESS)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Whoever may change export jobs may stop them."""
        return bool(request.user.has_perm("gridkit_django.change_exportjob"))


def _how_far(job: ExportJob) -> str:
    """Return the place of a job in the queue, or its rate and the seconds that are left."""
    if job.state not in (JobState.QUEUED, JobState.RUNNING):
        return ""
    told = describe_job(job)
    if place := told.get("queuePosition"):
        return " · " + _("number %(place)s in the queue") % {"place": place}
    parts = []
    if isinstance(rate := told.get("rate"), float | int):
        parts.append(_("%(rate)d rows a second") % {"rate": rate})
    if isinstance(left := told.get("secondsLeft"), float | int):
        parts.append(_("%(seconds)s s left") % {"seconds": ceil(left)})
    return "".join(f" · {part}" for part in parts)
