"""Filters of lists, made with django-filter; a value that does not fit is refused, not ignored."""

from __future__ import annotations

from datetime import UTC
from typing import Any, TypeVar

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django_filters.fields import IsoDateTimeField
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from gridkit_django.api.operations import query_parameter
from gridkit_django.events import ActorKind, EventSource
from gridkit_django.exceptions import ErrorItem, FilterValueError
from gridkit_django.models import AuditRecord, BulkJob, ExportJob, InstalledPlugin
from gridkit_django.models.exports import JobState
from gridkit_django.models.plugins import DesiredState, EffectiveState, PluginSource

M = TypeVar("M", bound=Model)


class _MomentField(IsoDateTimeField):  # type: ignore[misc]
    """A point in time, kept in UTC: PostgreSQL takes no offset of sixteen hours or more, which ISO 8601 does."""

    def clean(self, value: Any) -> Any:
        """Return the moment in UTC, or None.

        Raises:
            ValidationError: for what is none, or lies outside of the years that a database keeps.
        """
        moment = super().clean(value)
        try:
            return None if moment is None else moment.astimezone(UTC)
        except (OverflowError, ValueError) as error:
            raise ValidationError("Enter a valid date/time.", code="invalid") from error


class _MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """Compares with a point in time."""

    field_class = _MomentField


class AuditRecordFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of the audit trail; ``from`` and ``to`` are added in ``get_filters``, being words of Python."""

    actor = django_filters.CharFilter(field_name="actor_id")
    action = django_filters.CharFilter()
    target_type = django_filters.CharFilter()
    target_id = django_filters.CharFilter()
    grid = django_filters.CharFilter()
    actor_kind = django_filters.ChoiceFilter(choices=[(kind.value, kind.value) for kind in ActorKind])
    field = django_filters.CharFilter(method="ignore")
    source = django_filters.ChoiceFilter(choices=[(door.value, door.value) for door in EventSource], method="ignore")
    correlation = django_filters.CharFilter(method="ignore")
    operation = django_filters.UUIDFilter(method="ignore")

    class Meta:
        model = AuditRecord
        fields: list[str] = []

    def ignore(self, queryset: Any, _name: str, _value: Any) -> Any:
        """Narrow nothing: ``AuditSearch`` does."""
        return queryset

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        """Return all filters by the name of their query parameter."""
        return {
            **super().get_filters(),
            "from": _MomentFilter(field_name="occurred_at", lookup_expr="gte"),
            "to": _MomentFilter(field_name="occurred_at", lookup_expr="lt"),
        }


class ExportJobFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of a user's jobs."""

    state = django_filters.ChoiceFilter(choices=JobState.choices)
    format = django_filters.CharFilter()

    class Meta:
        model = ExportJob
        fields: list[str] = []


class BulkJobFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of a user's bulk changes."""

    state = django_filters.ChoiceFilter(choices=JobState.choices)

    class Meta:
        model = BulkJob
        fields: list[str] = []


class InstalledPluginFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of the installed plugins."""

    category = django_filters.CharFilter(field_name="current_version__manifest__category")
    desired_state = django_filters.ChoiceFilter(choices=DesiredState.choices)
    state = django_filters.ChoiceFilter(field_name="effective_state", choices=EffectiveState.choices)
    source = django_filters.ChoiceFilter(choices=PluginSource.choices)

    class Meta:
        model = InstalledPlugin
        fields: list[str] = []


AUDIT_PARAMETERS = (
    query_parameter("actor", "Id of the actor: a user's primary key, a plugin's id or a part of the system."),
    query_parameter("actor_kind", "Kind of the actor: " + ", ".join(kind.value for kind in ActorKind) + "."),
    query_parameter("action", "What was done, for example `row.update`; `row.*` for all that begins so."),
    query_parameter("target_type", "Kind of the target: `app.model` of a row, or `plugin`, `export`."),
    query_parameter("target_id", "Id of the target; needs `target_type`."),
    query_parameter("grid", "Id of the grid through which it was done; `-` for none."),
    query_parameter("field", "A field that was changed; needs `target_type` or `grid`."),
    query_parameter("source", "Through which door: " + ", ".join(door.value for door in EventSource) + "."),
    query_parameter("correlation", "Correlation id: all that one request and its tasks caused."),
    query_parameter("operation", "Id of the act.", OpenApiTypes.UUID),
    query_parameter("from", "Earliest time (ISO 8601).", OpenApiTypes.DATETIME),
    query_parameter("to", "Time before which it was done (ISO 8601).", OpenApiTypes.DATETIME),
)
JOB_PARAMETERS = (
    query_parameter("kind", "`export` (the default) or `bulk`."),
    query_parameter("state", "One of: " + ", ".join(JobState.values) + "."),
    query_parameter("format", "Format of the export, for example `csv`."),
)
PLUGIN_PARAMETERS = (
    query_parameter("category", "Category in the manifest, for example `export`."),
    query_parameter("desired_state", "What the administrator wants: " + ", ".join(DesiredState.values) + "."),
    query_parameter("state", "What is the case: " + ", ".join(EffectiveState.values) + "."),
    query_parameter("source", "Where its code comes from: " + ", ".join(PluginSource.values) + "."),
)


def filtered(filter_class: type[django_filters.FilterSet], request: Request, queryset: QuerySet[M]) -> QuerySet[M]:
    """Return the entries that the query parameters ask for.

    Raises:
        FilterValueError: when a value does not fit its filter.
    """
    filters = _valid(filter_class, request, queryset)
    result: QuerySet[M] = filters.qs
    return result


def cleaned(filter_class: type[django_filters.FilterSet], request: Request) -> dict[str, Any]:
    """Return the values of the query parameters by the names of their filters.

    Raises:
        FilterValueError: when a value does not fit its filter.
    """
    values: dict[str, Any] = _valid(filter_class, request, None).form.cleaned_data
    return values


def _valid(filter_class: type[django_filters.FilterSet], request: Request, queryset: Any) -> Any:
    filters = filter_class(request.query_params, queryset=queryset)
    if not filters.is_valid():
        errors = [
            ErrorItem(f"?{name}", FilterValueError.code, str(message))
            for name, messages in filters.errors.items()
            for message in messages
        ]
        names = ", ".join(sorted(filters.errors))
        raise FilterValueError(f"The value of {names} does not fit; see errors.", errors=errors)
    return filters
