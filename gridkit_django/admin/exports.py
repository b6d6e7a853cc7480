"""Export jobs in the admin: who exports what, how far it is, and a way to stop it."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gridkit_django.admin.export_verbs import VERBS, carry_out, download_address, offered_verbs
from gridkit_django.admin.export_words import option_words, question_words
from gridkit_django.admin.people import login_name
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.events import EventSource, holding, request_act
from gridkit_django.exceptions import GridKitError
from gridkit_django.exports import cancel_export, describe_job, may_see_query, retry_export
from gridkit_django.models import ExportJob, JobState
from gridkit_django.templatetags.gridkit_admin import badge
from gridkit_django.typing import User

_ONLY_UNDER_WAY = frozenset({"stage", "rows_done", "rows_total"})
_MAY_BE_EMPTY: Mapping[str, str] = MappingProxyType(
    {
        "remark_list": "remarks",
        "rows_done": "rows_done",
        "rows_total": "rows_total",
        "stage": "stage",
        "retry_at": "retry_at",
        "error": "error_detail",
        "option_list": "options",
        "consistency": "consistency",
        "schedule": "schedule",
        "download_name": "download_name",
        "file_size": "size",
        "started_at": "started_at",
        "finished_at": "finished_at",
        "expires_at": "expires_at",
        "correlation_id": "correlation_id",
    }
)
"""What a line of the page is about, where a job may have none of it."""


class ExportJobAdmin(ReadOnlyAdmin[ExportJob]):
    """The jobs, newest first; pages of jobs that are under way renew themselves."""

    list_display = ("created_at", "grid", "format", "owner", "condition", "progress_bar", "file_size")
    list_filter = ("state", "format", "grid", ("schedule", admin.RelatedOnlyFieldListFilter), "created_at")
    search_fields = ("grid", login_name("owner"), "download_name", "error_detail")
    list_select_related = ("owner", "schedule")
    date_hierarchy = "created_at"
    actions = ("cancel_jobs", "retry_jobs")
    readonly_fields = (
        "grid",
        "format",
        "owner",
        "condition",
        "progress_bar",
        "rows_done",
        "rows_total",
        "stage",
        "retry_at",
        "error",
        "question",
        "option_list",
        "consistency",
        "attempts",
        "schedule",
        "notify",
        "download_name",
        "file_size",
        "remark_list",
        "created_at",
        "started_at",
        "finished_at",
        "expires_at",
        "correlation_id",
    )

    def get_fields(self, request: HttpRequest, obj: ExportJob | None = None) -> list[Any]:
        """Return what there is to say of the job: what it does not have (yet) takes no line."""
        return [name for name in self.readonly_fields if obj is None or _has(obj, name)]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> ExportJob | None:
        """Return a job; its question is left out when it names a column that the reader may not see (one gate)."""
        job = super().get_object(request, object_id, from_field)
        if job is not None:
            job.reader = request.user  # type: ignore[attr-defined]
            if not may_see_query(job, request.user):
                job.query, job.selection, job.plan = {}, None, {}  # remarks may show characters of the file
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

    @admin.display(description=_("state"), ordering="state")
    def condition(self, job: ExportJob) -> SafeString:
        """Show the state in a word."""
        return badge(job.state, job.get_state_display())

    @admin.display(description=_("error"))
    def error(self, job: ExportJob) -> SafeString:
        """Show what went wrong, and what it is called."""
        if not job.error_code:
            return format_html("{}", job.error_detail)
        return format_html('{} <span class="gridkit-quiet">({})</span>', job.error_detail, job.error_code)

    @admin.display(description=_("asked for"))
    def question(self, job: ExportJob) -> SafeString:
        """Show columns, rows and order in words."""
        return question_words(job, job.reader)  # type: ignore[attr-defined]

    @admin.display(description=_("options"))
    def option_list(self, job: ExportJob) -> SafeString:
        """Show the options of the format in words."""
        return option_words(job)

    @admin.display(description=_("progress"))
    def progress_bar(self, job: ExportJob) -> str:
        """Show how much is done, as a bar and as a number; of what has ended, how many rows it has."""
        if job.state not in (JobState.QUEUED, JobState.RUNNING):
            return _rows(job)
        percent = round(job.progress * 100)
        return format_html(
            '<progress class="gridkit-progress" max="100" value="{0}" aria-label="{0} %" data-open></progress>'
            " {0} %{1}",
            percent,
            _how_far(job),
        )

    @admin.display(description=_("size"), ordering="size")
    def file_size(self, job: ExportJob) -> str:
        """Show the size of the file for people."""
        return filesizeformat(job.size) if job.size else "-"

    @admin.display(description=_("remarks"))
    def remark_list(self, job: ExportJob) -> str:
        """Show what the writer says of the file."""
        return "\n".join(job.remarks)

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
    told = describe_job(job)
    if place := told.get("queuePosition"):
        return " · " + _("number %(place)s in the queue") % {"place": place}
    parts = []
    if isinstance(rate := told.get("rate"), float | int):
        parts.append(_("%(rate)d rows a second") % {"rate": rate})
    if isinstance(left := told.get("secondsLeft"), float | int):
        parts.append(_("%(seconds)s s left") % {"seconds": ceil(left)})
    return "".join(f" · {part}" for part in parts)


def _rows(job: ExportJob) -> str:
    """Return how many rows an export has that has ended, or had when it ended otherwise."""
    told = {"rows": localize(job.rows_done), "all": localize(job.rows_total)}
    if job.state == JobState.FINISHED:
        return ngettext("%(rows)s row", "%(rows)s rows", job.rows_done) % told
    return _now("%(rows)s of %(all)s rows") % told if job.rows_total else "-"


def _has(job: ExportJob, name: str) -> bool:
    """Whether a job has something to say at a line of its page."""
    if name in _ONLY_UNDER_WAY and job.state not in (JobState.QUEUED, JobState.RUNNING):
        return False
    return name not in _MAY_BE_EMPTY or bool(getattr(job, _MAY_BE_EMPTY[name]))
