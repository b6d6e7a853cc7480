"""Which filter of a django-filter ``FilterSet`` belongs to which column, and which can't be served at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django_filters import filters
from django_filters.filterset import BaseFilterSet

from gridkit_django.grids.columns import Column
from gridkit_django.grids.options import GridOptions

_OTHERS = {
    filters.OrderingFilter: "orders rows; the grid's own sort does that",
    filters.AllValuesFilter: "lists the values of all rows, also of those that a user may not see; facets do better",
    filters.AllValuesMultipleFilter: "lists the values of all rows, also of those that a user may not see; facets do "
    "better",
}


def assigned_filters(options: GridOptions, columns: Mapping[str, Column]) -> dict[str, tuple[str, ...]]:
    """Return the filters of each column by its id, in the order of the set.

    A filter belongs to the column that names it in ``filters``, else to the one column that shows its field. What
    belongs nowhere is left out; ``assignment_faults`` tells of it.
    """
    owners = {name: _owners(columns, name, served) for name, served in _filters(options).items()}
    return {
        key: found
        for key in columns
        if (found := tuple(name for name, ids in owners.items() if len(ids) == 1 and ids[0] == key))
    }


def assignment_faults(options: GridOptions, columns: Mapping[str, Column]) -> Iterator[str]:
    """Yield what is wrong with the filters of a grid."""
    if options.filterset_class is not None and not _is_filter_set(options.filterset_class):
        yield f"Meta.filterset_class is {options.filterset_class!r}, which is no FilterSet of django-filter."
        return
    yield from _set_faults(options)
    known = _filters(options)
    for column in columns.values():
        for name in column.filters:
            if name not in known:
                yield f"The column {column.id!r} names the filter {name!r}, which Meta.filterset_class does not have."
        if column.filters and not column.filterable:
            yield f"The column {column.id!r} names filters but is not filterable."
    for name, served in known.items():
        yield from _filter_faults(name, served, _owners(columns, name, served))


def _set_faults(options: GridOptions) -> Iterator[str]:
    filter_set = options.filterset_class
    if filter_set is None:
        return
    model = filter_set._meta.model
    if model is not None and not issubclass(options.model, model):
        yield f"{filter_set.__name__} filters {model.__name__}, but the grid shows {options.model.__name__}."
    form = filter_set._meta.form
    passed_by = [name for name in ("filter_queryset", "qs", "get_form_class") if _differs(filter_set, name)]
    passed_by += [f"Meta.form.{name}" for name in dir(form) if name.startswith("clean_")]
    passed_by += ["Meta.form.clean"] if form.clean is not forms.Form.clean else []
    if passed_by:
        yield (
            f"{filter_set.__name__} overrides {', '.join(passed_by)}, which grids pass by: they use each filter alone. "
            "Do it in the filters, or in the grid's get_queryset."
        )


def _filter_faults(name: str, served: Any, owners: tuple[str, ...]) -> Iterator[str]:
    for kind, why in _OTHERS.items():
        if isinstance(served, kind):
            yield f"The filter {name!r} is a {type(served).__name__}, which {why}. Set it to None in a subclass."
            return
    if not owners:
        yield (
            f"The filter {name!r} belongs to no column, so that nothing would say who may use it. Name it in the "
            "'filters' of the column that it tells about, or set it to None in a subclass."
        )
    if len(owners) > 1:
        yield (
            f"The filter {name!r} may belong to {', '.join(owners)}. Name it in the 'filters' of one of these columns."
        )


def _owners(columns: Mapping[str, Column], name: str, served: Any) -> tuple[str, ...]:
    if isinstance(served, tuple(_OTHERS)):
        return ()
    named = tuple(key for key, column in columns.items() if name in column.filters)
    if named:
        return named
    field = served.field_name
    return tuple(
        key
        for key, column in columns.items()
        if column.filterable and field in (column.source or key, column.path) and served.field_name is not None
    )


def _filters(options: GridOptions) -> Mapping[str, Any]:
    filter_set: Any = options.filterset_class
    found: Mapping[str, Any] = filter_set.base_filters if _is_filter_set(filter_set) else {}
    return found


def _is_filter_set(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, BaseFilterSet)


def _differs(filter_set: Any, name: str) -> bool:
    return getattr(filter_set, name) is not getattr(BaseFilterSet, name)
