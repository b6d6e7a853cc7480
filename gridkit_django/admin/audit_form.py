"""The filters above the list of audit records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.apps import apps
from django.contrib.auth import get_user_model
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gridkit_django.audit.searching import AuditSearch
from gridkit_django.events import EventSource
from gridkit_django.grids import grid_registry
from gridkit_django.models import RegisteredGrid

ACTIONS = (
    "row.*",
    "row.create",
    "row.update",
    "row.delete",
    "row.values",
    "row.view",
    "filter.apply",
    "export.*",
    "plugin.*",
    "user.*",
    "audit.*",
)
"""Actions that are offered; any other may be typed. None is read from the table: that would be a look at all of it."""

_PLACES = frozenset({"before", "after", "format"})
"""What an address has beside filters."""

_FIRST = ("actor", "action", "target_type", "target_id", "span")

_SPANS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}


class Offered(forms.TextInput):
    """A text field that offers values and takes any other."""

    def __init__(self, values: Any = ()) -> None:
        super().__init__(attrs={"autocomplete": "off"})
        self.values = values

    template_name = "admin/gridkit_django/auditrecord/offered.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Add the values to the context of the template."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"]["attrs"]["list"] = f"gridkit-{name}-values"
        context["values"] = self.values
        return context


class AuditFilterForm(forms.Form):
    """What is looked for. Every filter is one that an index or the order of the records serves."""

    actor = forms.CharField(label=_("Actor: name or id"), required=False)
    action = forms.CharField(label=_("Action"), required=False, widget=Offered(ACTIONS))
    target_type = forms.CharField(label=_("Kind of object"), required=False)
    target_id = forms.CharField(label=_("Object id"), required=False)
    field = forms.CharField(label=_("Changed field"), required=False)
    grid = forms.ChoiceField(label=_("Grid"), required=False)
    source = forms.ChoiceField(label=_("Source"), required=False)
    span = forms.ChoiceField(
        label=_("Time"),
        required=False,
        choices=[
            ("", _("any")),
            ("1h", _("last hour")),
            ("1d", _("last day")),
            ("7d", _("last 7 days")),
            ("30d", _("last 30 days")),
        ],
    )
    since = forms.DateTimeField(
        label=_("From"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    until = forms.DateTimeField(
        label=_("Until"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    correlation = forms.CharField(label=_("Correlation id"), required=False)
    operation = forms.UUIDField(label=_("Act"), required=False)
    reads = forms.BooleanField(label=_("Show who read the trail"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        grids = dict(RegisteredGrid.objects.values_list("grid_id", "label"))
        grids |= {grid.options.id: str(grid.options.label) for grid in grid_registry().all()}
        self.fields["grid"].choices = [("", _("any")), ("-", _("no grid")), *sorted(grids.items())]  # type: ignore[attr-defined]
        doors = [(door.value, door.value) for door in EventSource]
        self.fields["source"].choices = [("", _("any")), *doors]  # type: ignore[attr-defined]
        labels = sorted(model._meta.label_lower for model in apps.get_models() if not model._meta.auto_created)
        self.fields["target_type"].widget = Offered(labels)

    def clean_actor(self) -> str:
        """Return the id of a user who is named; ids are what an index leads to."""
        given, users = str(self.cleaned_data["actor"]), get_user_model()
        named = {users.USERNAME_FIELD: given}
        user = users._base_manager.filter(**named).only("pk").first() if given else None
        return given if user is None else str(user.pk)

    def clean_target_type(self) -> str:
        """Return the kind of object as records write it."""
        return str(self.cleaned_data["target_type"]).lower()

    def clean(self) -> dict[str, Any]:
        """Refuse filters that are none, and ask for the kind of object where an id or a field needs it."""
        given: dict[str, Any] = super().clean() or {}
        if unknown := sorted(set(self.data) - set(self.fields) - _PLACES):
            raise forms.ValidationError(_("There is no filter %(names)s.") % {"names": ", ".join(unknown)})
        if given.get("target_id") and not given.get("target_type"):
            self.add_error("target_type", _("Say of which kind the object is."))
        if given.get("field") and not (given.get("target_type") or given.get("grid")):
            self.add_error("target_type", _("Say of which kind the object is whose field was changed."))
        return given

    def first(self) -> list[forms.BoundField]:
        """Return the filters that are always shown."""
        return [self[name] for name in _FIRST]

    def more(self) -> list[forms.BoundField]:
        """Return the filters that are shown on demand."""
        return [self[name] for name in self.fields if name not in {*_FIRST, "reads"}]

    def asks_more(self) -> bool:
        """Whether one of those is asked for or wrong."""
        return any(item.value() or item.errors for item in self.more())

    def search(self) -> AuditSearch:
        """Return the question; call it on a valid form."""
        given = dict(self.cleaned_data)
        span = _SPANS.get(given.pop("span"))
        if span is not None:
            given["since"] = _later(timezone.now() - span, given["since"])
        reads = given.pop("reads") or str(given["action"]).startswith("audit.") or given["operation"] is not None
        return AuditSearch(**{name: value for name, value in given.items() if value not in ("", None)}, reads=reads)


def _later(one: datetime, other: datetime | None) -> datetime:
    """Return the later of two beginnings: both are asked for."""
    return max(one, other or datetime.min.replace(tzinfo=UTC))
