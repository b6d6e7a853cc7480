"""An action "Export" in the list of any ModelAdmin, with a grid that was declared or with one made of the list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten, flatten_fieldsets
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gridkit_django.admin.list_question import ListQuestion, agrees, list_question
from gridkit_django.api.downloads import file_response
from gridkit_django.events import EventSource, holding, request_act
from gridkit_django.exceptions import GridKitError, GridNotFoundError, UnknownFormatError
from gridkit_django.exports import ExportRequest, answer_at_once, exporters, open_result, request_export
from gridkit_django.grids import Grid, GridAccess, grid_registry, open_grid
from gridkit_django.grids.derived import derive_grid
from gridkit_django.grids.selection import Selection
from gridkit_django.models import ExportJob, JobState
from gridkit_django.typing import User

_LABEL = gettext_lazy("Export selected %(verbose_name_plural)s")
PICKED_MAX = 10_000
"""Rows that are exported one by one; beyond, the grid must be able to tell which ones they are."""

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Model]
else:
    _Admin = object


class GridExportMixin(_Admin):
    """Exports the rows that are ticked in the list, as a file of any format that the site writes.

    Put it before ``ModelAdmin``::

        class OrderAdmin(GridExportMixin, admin.ModelAdmin):
            export_grid = "orders"

    Who exports needs the right to export the grid, and sees of it what they see in the grid. A small file is the
    answer; a worker writes a large one, and it waits on the page of one's exports.

    Attributes:
        export_grid: id of the declared grid. Empty: a grid ``<site>-<app>-<model>``, as in ``admin-shop-order``, is
            made of the fields in ``list_display`` (of those on the form, when none is there); its rows are those that
            ``get_queryset`` of this class gives the user, who must be staff and may view the model.
        export_formats: ids of the formats that are offered; empty for all that active plugins write.
    """

    export_grid: ClassVar[str] = ""
    export_formats: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.export_grid:
            # A project may register a model anew, with a class of its own: the last one serves, as in the admin.
            grid_registry().unregister(self.export_grid_id)
            grid_registry().register(self._derived_grid())

    @property
    def export_grid_id(self) -> str:
        """The id of the grid whose rows are exported."""
        return self.export_grid or f"{self.admin_site.name}-{self.opts.app_label}-{self.opts.model_name}"

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the export to those who may export the grid."""
        found = dict(super().get_actions(request))
        if self._access(request) is not None and self._formats():
            act: Any = type(self).export_rows
            found["export_rows"] = (act, "export_rows", str(_LABEL))
        return found

    def export_rows(self, request: HttpRequest, queryset: QuerySet[Model]) -> HttpResponseBase | None:
        """Ask for the format, then export the rows that were ticked."""
        access = self._access(request)
        if access is None:
            return None
        form = _FormatForm(request.POST if "export_format" in request.POST else None, formats=self._formats())
        if not form.is_valid():
            return self._asked(request, access, queryset, form)
        try:
            with holding(request_act(request, EventSource.ADMIN)):
                return self._exported(request, access, form.cleaned_data["export_format"], queryset)
        except GridKitError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return None

    def _exported(
        self, request: HttpRequest, access: GridAccess, name: str, queryset: QuerySet[Model]
    ) -> HttpResponseBase | None:
        question = self._question(request, access)
        selection = self._picked(request, access, question, queryset)
        query = question.query if selection is None else question.query.with_changes(filter=None)
        job = request_export(access, ExportRequest(query, name, {}, selection, queue=False))
        user = cast("User", request.user)
        if answer_at_once(job) and job.state == JobState.FINISHED:
            return file_response(request, job, lambda part: open_result(job.pk, user, part=part))
        self._tell(request, job)
        return None

    def _question(self, request: HttpRequest, access: GridAccess) -> ListQuestion:
        return list_question(self.get_changelist_instance(request), request, access)

    def _picked(
        self, request: HttpRequest, access: GridAccess, question: ListQuestion, queryset: QuerySet[Model]
    ) -> Selection | None:
        """Return the ticked rows; None when they are just those that the question gives.

        Raises:
            GridKitError: when they are too many to be named, and the grid can't be told which ones they are.
        """
        whole = request.POST.get("select_across") == "1"
        if whole and not question.untold and agrees(access, question.query, queryset):
            return None
        keys = list(queryset.order_by().values_list("pk", flat=True)[: PICKED_MAX + 1])
        if len(keys) <= PICKED_MAX:
            return Selection(include=tuple(key if isinstance(key, int) else str(key) for key in keys))
        if not whole and not question.untold and agrees(access, question.query, queryset):
            return None
        raise GridKitError(_why_not(question))

    def _asked(
        self, request: HttpRequest, access: GridAccess, queryset: QuerySet[Model], form: forms.Form
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Export"),
            "opts": self.opts,
            "form": form,
            "count": queryset.count(),
            "ticked": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across", "0"),
            "checkbox": ACTION_CHECKBOX_NAME,
            "is_ordered": self._question(request, access).is_ordered,
        }
        return TemplateResponse(request, "admin/gridkit_django/export.html", context)

    def _tell(self, request: HttpRequest, job: ExportJob) -> None:
        if job.state == JobState.FAILED:
            self.message_user(request, job.error_detail, messages.ERROR)
            return
        text = _("Your export is being made.")
        try:
            page = reverse("gridkit:exports")
        except NoReverseMatch:
            self.message_user(request, text, messages.SUCCESS)
            return
        link = format_html('{} <a href="{}#{}">{}</a>', text, page, job.pk, _("See how far it is"))
        self.message_user(request, link, messages.SUCCESS)

    def _access(self, request: HttpRequest) -> GridAccess | None:
        try:
            access = open_grid(self.export_grid_id, cast("User", request.user))
        except GridNotFoundError:
            return None
        return access if access.can_export else None

    def _formats(self) -> tuple[str, ...]:
        known = exporters().formats()
        return tuple(name for name in self.export_formats if name in known) if self.export_formats else known

    def _derived_grid(self) -> type[Grid]:
        names = [str(name) for name in self.list_display if isinstance(name, str)]
        own = [name for name in names if self._is_field(name)]
        columns = own or [field.name for field in self.opts.concrete_fields if self._is_on_the_form(field)]
        return derive_grid(self.export_grid_id, self.model, columns, self._rows_of)

    def _is_on_the_form(self, field: Field[Any, Any]) -> bool:
        """Whether this class shows a field to those who may look at one object: what it leaves out stays out."""
        meta: Any = getattr(self.form, "_meta", None)
        left_out = getattr(meta, "exclude", None) if self.exclude is None else self.exclude
        fields: Any = getattr(meta, "fields", None) if self.fields is None else self.fields
        shown = flatten_fieldsets(self.fieldsets) if self.fieldsets else fields and flatten(fields)
        return field.name not in (left_out or ()) and (not shown or field.primary_key or field.name in shown)

    def _is_field(self, name: str) -> bool:
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return False
        return bool(getattr(field, "concrete", False)) and not field.many_to_many

    def _rows_of(self, rows: QuerySet[Any], user: User) -> QuerySet[Any]:
        """Keep the rows that this user sees in the list."""
        request = HttpRequest()
        request.user = cast("Any", user)
        if not getattr(user, "is_staff", False) or not self.has_view_permission(request):
            return rows.none()
        return rows.filter(pk__in=self.get_queryset(request).order_by().values("pk"))


def _why_not(question: ListQuestion) -> str:
    """Return why so many rows can't be exported."""
    if question.untold:
        names = ", ".join(question.untold)
        why = f"The grid can't be told by what this list is filtered: {names}."
    else:
        why = "The grid's rows are not those of this list."
    return f"More than {PICKED_MAX} rows are ticked. {why} Filter otherwise, tick fewer, or export from the grid."


def _named(formats: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield formats as people know them, with the ending of the files where the name does not tell it."""
    for name in formats:
        try:
            label = str(exporters().get(name).label)
        except UnknownFormatError:
            continue  # its library is missing: health tells that
        yield name, label if label.upper() == name.upper() else f"{label} ({name.upper()})"


class _FormatForm(forms.Form):
    """Which format."""

    export_format = forms.ChoiceField(label=gettext_lazy("Format"), widget=forms.RadioSelect)

    def __init__(self, data: Any, *, formats: tuple[str, ...]) -> None:
        choices = list(_named(formats))
        super().__init__(data, initial={"export_format": choices[0][0] if choices else ""})
        cast("forms.ChoiceField", self.fields["export_format"]).choices = choices
