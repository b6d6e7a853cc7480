"""Scheduled exports in the admin: declared, watched, paused, resumed and made at once."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gridkit_django.admin.export_schedule_form import ScheduleForm
from gridkit_django.admin.export_schedule_views import sees_question, view_choices
from gridkit_django.admin.people import ChoosesPeople, login_name, person_of
from gridkit_django.admin.read_only import Typed
from gridkit_django.events import EventSource, holding, request_act
from gridkit_django.exports import next_run, run_schedule
from gridkit_django.exports.schedules import note_schedule, pause_schedule, resume_schedule
from gridkit_django.models import ExportSchedule
from gridkit_django.templatetags.gridkit_admin import badge
from gridkit_django.typing import User


class ExportScheduleAdmin(ChoosesPeople, Typed[ExportSchedule]):
    """The schedules, with when each is due and what went wrong."""

    form = ScheduleForm
    list_display = ("name", "file", "owner", "cron", "condition", "next_export", "last_run_at")
    list_filter = ("enabled", "grid", "format")
    list_select_related = ("owner",)
    search_fields = ("name", "grid", login_name("owner"), "last_error")
    people_fields = raw_id_fields = ("owner",)
    actions = ("make_now", "pause_them", "resume_them")
    readonly_fields = ("condition", "next_export", "last_run_at")

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def get_urls(self) -> list[URLPattern]:
        """Add the address that the list of views is read from when grid or owner change."""
        views = self.admin_site.admin_view(self.views_page)
        own = [path("views/", views, name="gridkit_django_exportschedule_views")]
        return [*own, *super().get_urls()]

    def views_page(self, request: HttpRequest) -> HttpResponse:
        """Answer which views of a grid the owner of a schedule sees and the reader knows.

        Raises:
            PermissionDenied: when the reader may not make or change schedules.
        """
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        reader = cast("User", request.user)
        found = view_choices(request.GET.get("grid", ""), person_of(request.GET.get("owner")), reader)
        return JsonResponse({"views": found})

    def get_fields(self, request: HttpRequest, obj: ExportSchedule | None = None) -> list[Any]:
        """Show how it goes for a schedule that is there only."""
        own = list(ScheduleForm.Meta.fields)
        return own if obj is None else [*own, *self.readonly_fields]

    def get_form(
        self, request: HttpRequest, obj: ExportSchedule | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form's class, which knows who fills it in."""
        made: Any = super().get_form(request, obj, change, **kwargs)
        made.asker = request.user
        return made

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> ExportSchedule | None:
        """Return a schedule; its question is left out when it names a column or a view that the reader may not see."""
        found = super().get_object(request, object_id, from_field)
        if found is not None and not sees_question(found, cast("User", request.user)):
            found.query, found.view, found.kept_back = {}, None, True
        return found

    def has_change_permission(self, request: HttpRequest, obj: ExportSchedule | None = None) -> bool:
        """Leave a schedule whose question the reader does not see to those who do: saving would lose it."""
        return super().has_change_permission(request, obj) and not getattr(obj, "kept_back", False)

    def save_model(self, request: HttpRequest, obj: ExportSchedule, form: Any, change: bool) -> None:
        """Store it with its next time, and record who did so."""
        obj.next_run_at = next_run(obj)
        with holding(request_act(request, EventSource.ADMIN)):
            super().save_model(request, obj, form, change)
            note_schedule(obj)

    def delete_model(self, request: HttpRequest, obj: ExportSchedule) -> None:
        """Delete it, and record who did so."""
        with holding(request_act(request, EventSource.ADMIN)), transaction.atomic(router.db_for_write(ExportSchedule)):
            note_schedule(obj, "export.unschedule")
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ExportSchedule]) -> None:
        """Delete them, and record who did so."""
        for schedule in queryset.select_related("owner"):
            self.delete_model(request, schedule)

    @admin.display(description=_("state"))
    def condition(self, schedule: ExportSchedule) -> SafeString:
        """Show whether it works, in a word, and why not."""
        why = (
            format_html('<div class="gridkit-problem">{}</div>', schedule.last_error)
            if schedule.last_error
            else SafeString()
        )
        if not schedule.enabled:
            return badge("paused", str(_("paused"))) + why
        if schedule.last_error:
            return badge("bad", str(_("refused"))) + why
        return badge("good", str(_("ready")))

    @admin.display(description=_("file"), ordering="grid")
    def file(self, schedule: ExportSchedule) -> str:
        """Show of which grid it is, and in which format."""
        return f"{schedule.grid} · {schedule.format.upper()}"

    @admin.display(description=_("next export"), ordering="next_run_at", empty_value="-")
    def next_export(self, schedule: ExportSchedule) -> str | None:
        """Show when it is due; a schedule that is paused is not."""
        due = schedule.next_run_at
        return date_format(timezone.localtime(due), "DATETIME_FORMAT") if due and schedule.enabled else None

    @admin.action(description=_("Export now"), permissions=["change"])
    def make_now(self, request: HttpRequest, queryset: QuerySet[ExportSchedule]) -> None:
        """Ask for the export of each, as its owner."""
        with holding(request_act(request, EventSource.ADMIN)):
            jobs = [run_schedule(schedule) for schedule in queryset.select_related("owner")]
        made = sum(job is not None for job in jobs)
        text = ngettext("%d export was asked for.", "%d exports were asked for.", made) % made
        self.message_user(request, text, messages.SUCCESS if made == len(jobs) else messages.WARNING)

    @admin.action(description=_("Pause"), permissions=["change"])
    def pause_them(self, request: HttpRequest, queryset: QuerySet[ExportSchedule]) -> None:
        """Make none by schedule any more."""
        with holding(request_act(request, EventSource.ADMIN)):
            for schedule in queryset.filter(enabled=True).select_related("owner"):
                pause_schedule(schedule)
        self.message_user(request, _("Paused."), messages.SUCCESS)

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume_them(self, request: HttpRequest, queryset: QuerySet[ExportSchedule]) -> None:
        """Go on; what was missed is not made up for."""
        with holding(request_act(request, EventSource.ADMIN)):
            for schedule in queryset.filter(enabled=False).select_related("owner"):
                resume_schedule(schedule)
        self.message_user(request, _("Resumed."), messages.SUCCESS)
