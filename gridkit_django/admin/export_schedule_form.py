"""The form of a scheduled export: its owner's views as a list, JSON with readable errors, judged as the owner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.export_schedule_views import may_ask_view, view_choices
from gridkit_django.admin.people import person_of
from gridkit_django.exceptions import (
    AccessDeniedError,
    ExportOptionsError,
    GridKitError,
    GridNotFoundError,
    QueryError,
    UnknownFormatError,
    ViewError,
    ViewNotFoundError,
)
from gridkit_django.exports import check_question, exporters, judge_export, mail_address, next_run
from gridkit_django.grids import grid_registry
from gridkit_django.models import ExportSchedule, SavedView
from gridkit_django.typing import User

_FIELD_OF: tuple[tuple[type[GridKitError], str], ...] = (
    (ExportOptionsError, "options"),
    (UnknownFormatError, "format"),
    (ViewNotFoundError, "view"),
    (ViewError, "view"),
    (QueryError, "query"),
    (GridNotFoundError, "owner"),
    (AccessDeniedError, "owner"),
)
_QUERY_HELP = _(
    'Sort, filter, search and columns as in a rows request. For example: {"sort": [{"col": "placed", "dir": "desc"}], '
    '"filter": {"col": "state", "op": "eq", "value": "open"}}. It goes before what the view asks.'
)
_OPTIONS_HELP = _('Options of the format. For example, for CSV: {"header": "label", "delimiter": ";"}. Empty for none.')


class ObjectField(forms.JSONField):
    """A JSON object that a person writes: shown over several lines; an error names the line."""

    def __init__(self, **more: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 5, "cols": 60, "class": "vLargeTextField", "spellcheck": "false"})
        super().__init__(required=False, widget=widget, **more)

    def prepare_value(self, value: Any) -> Any:
        """Show an object as indented text; nothing for an empty one."""
        if isinstance(value, dict):
            return json.dumps(value, ensure_ascii=False, indent=2) if value else ""
        return value

    def to_python(self, value: Any) -> Any:
        """Read the text.

        Raises:
            ValidationError: when it is no JSON, or no object; with line and column.
        """
        text = value.strip() if isinstance(value, str) else value
        if text in self.empty_values:
            return {}
        try:
            told = json.loads(text) if isinstance(text, str) else text
        except json.JSONDecodeError as error:
            raise forms.ValidationError(
                _("This is no JSON. Line %(line)d, column %(column)d: %(why)s."),
                params={"line": error.lineno, "column": error.colno, "why": error.msg},
            ) from error
        if not isinstance(told, dict):
            raise forms.ValidationError(_("Write a JSON object: it begins with { and ends with }."))
        return told


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an administrator may say of a schedule, judged as its owner would be."""

    asker: ClassVar[User | None] = None
    """Who fills in the form; the admin makes a class of its own for each request."""

    grid = forms.ChoiceField(label=_("Grid"))
    format = forms.ChoiceField(label=_("Format"))
    view = forms.ChoiceField(
        label=_("Saved view"),
        required=False,
        help_text=_("Those of the grid that the owner sees, as far as you may look at them, too."),
        error_messages={"invalid_choice": _("The owner sees no view like this in the grid. Choose one of the list.")},
    )
    query = ObjectField(label=_("Query"), help_text=_QUERY_HELP)
    options = ObjectField(label=_("Options"), help_text=_OPTIONS_HELP)

    class Meta:
        model = ExportSchedule
        fields: ClassVar = ["name", "owner", "grid", "view", "query", "format", "options", "cron", "notify", "enabled"]

    class Media:
        js: ClassVar = ["gridkit/admin-schedule.js"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known: Any = self.fields
        if "grid" not in known:
            return  # The admin leaves out what the reader may only look at.
        known["grid"].choices = [(grid.options.id, grid.options.label) for grid in grid_registry().all()]
        known["format"].choices = [(name, name.upper()) for name in exporters().formats()]
        known["view"].choices = [("", _("none")), *view_choices(*self._asked(), self.asker)]
        known["view"].widget.attrs["data-views"] = reverse("admin:gridkit_django_exportschedule_views")

    def _asked(self) -> tuple[str, User | None]:
        """Return grid and owner as the form has them: as sent, else as stored."""
        if not self.is_bound:
            stored = self.instance
            first = next(iter(grid_registry().all()), None)
            grid = stored.grid or self.initial.get("grid") or ("" if first is None else first.options.id)
            return grid, person_of(stored.owner_id or self.initial.get("owner"))
        return str(self.data.get(self.add_prefix("grid"), "")), person_of(self.data.get(self.add_prefix("owner")))

    def clean_view(self) -> UUID | None:
        """Read the id of a view."""
        return UUID(self.cleaned_data["view"]) if self.cleaned_data["view"] else None

    def clean_cron(self) -> str:
        """Refuse a crontab that can't be read or never comes."""
        cron = " ".join(self.cleaned_data["cron"].split())
        try:
            next_run(ExportSchedule(cron=cron))
        except GridKitError as error:
            raise forms.ValidationError(error.detail) from error
        return cron

    def clean(self) -> dict[str, Any]:
        """Refuse what would be refused each time: by the owner's rights, the grid, the view and the format."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return told
        if not self._may_asker_ask(told["grid"], told["query"], told["view"]):
            return told
        if told["notify"] and not mail_address(told["owner"]):
            self.add_error("notify", _("The owner has no e-mail address."))
        try:
            judge_export(
                told["grid"],
                told["query"],
                told["format"],
                told["owner"],
                options=told["options"],
                view=told["view"],
            )
        except GridKitError as error:
            self._refuse(error)
        return told

    def _may_asker_ask(self, grid: str, query: Mapping[str, Any], view_id: UUID | None) -> bool:
        """Refuse a question that whoever fills in the form could not ask: its file's length would answer it.

        A column that the owner sees and the asker does not is refused like one that never was. Which column of a view
        it is stays unsaid.
        """
        if self.asker is None or not (query or view_id):
            return True
        try:
            check_question(grid, query, self.asker)
        except GridNotFoundError:
            self.add_error("grid", _now("Only who may open this grid may ask a query of it."))
            return False
        except GridKitError as error:
            self._refuse(error)
            return False
        view = SavedView.objects.filter(pk=view_id).first() if view_id else None
        if view is None or may_ask_view(view, self.asker):
            return True
        self.add_error("view", _now("This view chooses its rows by what you may not see. Choose another one."))
        return False

    def _refuse(self, error: GridKitError) -> None:
        """Put a refusal to the field that it is about, with the places that it names."""
        field = next((name for kind, name in _FIELD_OF if isinstance(error, kind)), None)
        faults = [item for item in error.errors if item.detail]
        if field == "query" and faults:
            for item in faults:
                self.add_error(field, f"{item.pointer}: {item.detail}")
        elif isinstance(error, GridNotFoundError):
            self.add_error(field, _now("For the owner there is no grid like this: they may not open it."))
        else:
            self.add_error(field, error.detail)
