"""Filters of a django-filter ``FilterSet`` that serve columns of a grid.

Each filter belongs to one column, and who may not see the column has no such filter. Its value is cleaned by its own
form field, and what it does to a queryset becomes a condition like any other: within ``and``, ``or`` and ``not``, over
the rows that the user may see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Any, TypeAlias

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django_filters.filters import Filter, FilterMethod, ModelChoiceFilter, ModelMultipleChoiceFilter

from gridkit_django.exceptions import (
    FilterValueError,
    GridDeclarationError,
    PathMissingError,
    PathToManyError,
    QueryError,
)
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.base import nothing
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.columns.paths import resolve_path
from gridkit_django.grids.filter_values import ValueShape, shape_of, value_of
from gridkit_django.grids.options import GridOptions
from gridkit_django.typing import JSONValue, User

AnyFilter: TypeAlias = Any
"""A ``django_filters.Filter``: the library has no types."""

_NEVER_OF_NULL = frozenset(
    ("exact", "iexact", "gt", "gte", "lt", "lte", "contains", "icontains", "startswith", "istartswith")
) | frozenset(("endswith", "iendswith", "in", "range", "date", "year"))
"""Lookups that no row without a value meets, so that their complement is known."""


_OF_ZONES = frozenset(("date", "year"))
"""Lookups that cut points in time into days or years."""


_OF_KEYS = (ModelChoiceFilter, ModelMultipleChoiceFilter)
_LIBRARIES = frozenset(("builtins", "django", "django_filters"))


class InZone(ExpressionWrapper):  # type: ignore[type-arg]
    """A condition in which days begin as they do in a time zone.

    Django asks for the current zone when it writes the SQL, which is long after the condition was made.

    Args:
        condition: the condition.
        zone: the zone.
    """

    def __init__(self, condition: Q, zone: tzinfo) -> None:
        super().__init__(condition, output_field=BooleanField())
        self._zone = zone

    def as_sql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """Write the condition while the zone is the current one."""
        with timezone.override(self._zone):
            return super().as_sql(compiler, connection, **more)


@dataclass(frozen=True, slots=True)
class ServedShape:
    """A filter as clients know it.

    Attributes:
        label: what people read.
        value: what its value looks like.
    """

    label: str
    value: ValueShape


class ServedFilters:
    """The filters of one query.

    Args:
        access: the gate, whose rows the filters work on.
        frame: the query's time zone and database.
    """

    def __init__(self, access: GridAccess, frame: Frame) -> None:
        self._access = access
        self._frame = frame

    @cached_property
    def _filters(self) -> Mapping[str, AnyFilter]:
        return bound_filters(self._access.options, self._access.queryset(), self._access.user)

    def condition(self, column: Column, name: str, raw: JSONValue, at: str, *, negated: bool) -> Q:
        """Return the condition of a filter, or its exact complement.

        Args:
            column: a column that the user may see.
            name: name of the filter in its set.
            raw: the value, as sent.
            at: where the condition stands in the request (JSON Pointer).
            negated: whether the complement is wanted.

        Raises:
            QueryError: when no filter of this name serves the column.
            FilterValueError: when the filter's form field refuses the value, with its text.
        """
        if name not in column.filters or name not in self._filters:
            offered = ", ".join(column.filters)
            raise QueryError.at(f"{at}/name", f"The column {column.id!r} has no such filter; it has {offered}.")
        served = self._filters[name]
        with timezone.override(self._frame.zone):
            try:
                value = value_of(served.field, raw)
                return self._compiled(served, value, negated=negated)
            except FilterValueError as error:
                raise FilterValueError.at(f"{at}/value", error.detail) from error

    def _compiled(self, served: AnyFilter, value: Any, *, negated: bool) -> Q:
        wanted = _plain_condition(self._access, served, value, negated=negated)
        if wanted is not None:
            return Q(InZone(wanted, self._frame.zone)) if served.lookup_expr in _OF_ZONES else wanted
        found = served.filter(self._access.queryset(), value)
        if not isinstance(found, QuerySet):
            raise GridDeclarationError(
                f"A filter of {self._access.options.filterset_class!r} gave a {type(found).__name__}; it must give a "
                "queryset."
            )
        keys = (found if found.query.is_sliced else found.order_by()).values("pk")
        condition = _sound(keys)
        return Q(InZone(~condition if negated else condition, self._frame.zone))


def bound_filters(options: GridOptions, rows: QuerySet[Any], user: User) -> Mapping[str, AnyFilter]:
    """Return the filters of a grid's set by name, as a user has them.

    The set gets a request that holds the user and nothing else: a filter works in exports too, where nobody requests.

    Args:
        options: the options of the grid.
        rows: the rows that the user may see.
        user: the person.
    """
    if options.filterset_class is None:
        return {}
    request: Any = HttpRequest()
    request.method, request.user = "GET", user
    filters: Mapping[str, AnyFilter] = options.filterset_class(data=None, queryset=rows, request=request).filters
    return filters


def filter_shapes(options: GridOptions, rows: QuerySet[Any], user: User) -> Mapping[str, ServedShape]:
    """Describe the filters of a grid's set by name. Arguments as for ``bound_filters``."""
    return {
        name: ServedShape(str(served.label or name), _shape(served))
        for name, served in bound_filters(options, rows, user).items()
    }


def filters_last(options: GridOptions) -> bool:
    """Whether ``filter_shapes`` gives the same to every user, for as long as the process runs and the language is one.

    A set does that makes its filters as its class says, of kinds that describe themselves as the library does; choices
    that are computed or read may be others at any time.

    Args:
        options: the options of the grid.
    """
    chosen: Any = options.filterset_class
    return chosen is None or (_of_library(chosen.__init__) and all(map(_lasts, chosen.base_filters.values())))


def _lasts(served: AnyFilter) -> bool:
    kind: Any = type(served)
    if not _of_library(kind.label.fget):
        return False
    if isinstance(served, _OF_KEYS):
        return True
    by_library = _of_library(kind.field.fget) and all(map(_of_library, served.field_class.__mro__))
    return by_library and isinstance(served.extra.get("choices", ()), (list, tuple))


def _of_library(thing: Any) -> bool:
    """Whether a function or class is part of django-filter or Django, and no project's own."""
    return str(thing.__module__).partition(".")[0] in _LIBRARIES


def _shape(served: AnyFilter) -> ValueShape:
    """Describe a filter's value; the rows that a key is looked up among need not be known for it."""
    if isinstance(served, _OF_KEYS):
        return ValueShape("key", many=isinstance(served, ModelMultipleChoiceFilter))
    return shape_of(served.field)


def _sound(keys: QuerySet[Any]) -> Q:
    """Return the condition "one of these keys", once the database layer takes all values of the filter.

    Raises:
        FilterValueError: when it does not, as for numbers that no column holds.
    """
    try:
        keys.query.sql_with_params()
    except EmptyResultSet:
        return nothing()
    except (ValidationError, ValueError, TypeError, ArithmeticError) as error:
        raise FilterValueError("The value can't be compared with what the rows hold.") from error
    return Q(pk__in=keys)


def _plain_condition(access: GridAccess, served: AnyFilter, value: Any, *, negated: bool) -> Q | None:
    """Return the condition of a filter that only looks up a field, or None: an index serves it, unlike a subquery."""
    plain = type(served).filter is Filter.filter and not isinstance(served.filter, FilterMethod)
    if not plain or served.exclude or served.distinct or served.lookup_expr not in _NEVER_OF_NULL:
        return None
    try:
        resolved = resolve_path(access.options.model, served.field_name)
    except (PathMissingError, PathToManyError):
        return None
    condition = Q((f"{served.field_name}__{served.lookup_expr}", value))
    _sound(access.queryset().filter(condition).values("pk"))
    if not negated:
        return condition
    return ~condition | Q((f"{resolved.path}__isnull", True)) if resolved.nullable else ~condition
