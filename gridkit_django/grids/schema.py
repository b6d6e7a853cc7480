"""The schema of a grid: what a front end must know, as this user may know it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from django.utils.choices import CallableChoiceIterator
from django.utils.translation import get_language

from gridkit_django.conf import settings
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.inference import COLUMN_KINDS
from gridkit_django.grids.filter_sets import ServedShape, filter_shapes, filters_last
from gridkit_django.grids.groups import AGGREGATES_MAX
from gridkit_django.grids.methods import list_methods
from gridkit_django.grids.periods import PRESETS
from gridkit_django.grids.query import PROTOCOL_VERSION
from gridkit_django.grids.registry import grid_registry
from gridkit_django.grids.rows import page_size
from gridkit_django.grids.sorting import effective_sort
from gridkit_django.grids.views import may_share
from gridkit_django.grids.zones import zone_of
from gridkit_django.typing import JSONObject, JSONValue, MutableJSONObject


def grid_schema(access: GridAccess) -> MutableJSONObject:
    """Return the schema. Nothing in it tells of a column that the user may not see.

    Args:
        access: the grid and the user.
    """
    return {**_around(access), "columns": _columns(access)}


def _columns(access: GridAccess) -> list[JSONValue]:
    editable = frozenset(column.id for column in access.editable_columns)
    filters = filter_shapes(access.options, access.queryset(), access.user)
    return [_column(column, filters, editable=column.id in editable) for column in access.columns]


def _around(access: GridAccess) -> MutableJSONObject:
    """Return all of the schema but the columns, which are most of it."""
    return {
        "v": PROTOCOL_VERSION,
        "id": access.grid_id,
        "label": str(access.options.label),
        "limits": _limits(),
        "relative": list(PRESETS),
        "permissions": _permissions(access),
        "auditReason": access.options.audit_reason or None,
        "methods": _methods(access),
        "defaultState": _default_state(access),
        "timeZone": str(zone_of(access)),
        "rememberDevices": settings().REMEMBER_DEVICES,
    }


def _permissions(access: GridAccess) -> MutableJSONObject:
    return {
        "edit": access.can_edit,
        "create": access.can_create,
        "delete": access.can_delete,
        "export": access.can_export,
        "share": may_share(access),
    }


def _methods(access: GridAccess) -> list[JSONValue]:
    return [
        {"name": spec.name, "label": str(spec.label), "plugin": spec.plugin_id, "schema": spec.schema}
        for spec in list_methods(access)
    ]


def schema_etag(schema: JSONObject) -> str:
    """Return a strong entity tag (RFC 9110, 8.8.3) of a schema, without the quotes."""
    text = json.dumps([schema, get_language()], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def access_etag(access: GridAccess) -> str:
    """Return the entity tag of the schema that this user has of a grid, computed only when it is not known already.

    What a grid declares is there when the process starts. So only what differs between users, languages and moments is
    looked at: all else of the schema is made of that.
    """
    if not _lasting(access):
        return schema_etag(grid_schema(access))
    editable = frozenset(column.id for column in access.editable_columns)
    shown = tuple((column.id, str(column.label), str(column.description)) for column in access.columns)
    around = (*_limits().values(), page_size(access), *_permissions(access).values(), repr(_methods(access)))
    facts = (access.grid, get_language(), str(access.options.label), str(zone_of(access)), around, shown, editable)
    return grid_registry().schema_tags.tag(facts, lambda: schema_etag(grid_schema(access)))


def _lasting(access: GridAccess) -> bool:
    """Whether the columns say the same for as long as the process runs.

    Filters of django-filter may depend on the user, choices of a field may be computed, and what columns of other
    kinds say is not known.
    """
    return filters_last(access.options) and all(
        type(column) in COLUMN_KINDS and not isinstance(column.value_field.choices, CallableChoiceIterator)
        for column in access.columns
    )


def _column(column: Column, filters: Mapping[str, ServedShape], *, editable: bool) -> MutableJSONObject:
    choices = column.choices
    return {
        "id": column.id,
        "label": str(column.label),
        "type": column.type,
        "nullable": column.nullable,
        "ops": [op.value for op in column.ops],
        "sortable": column.sortable,
        "filterable": column.filterable,
        "searchable": bool(column.searchable),
        "editable": editable,
        "editor": column.editor if editable else None,
        "groupable": column.groupable,
        "aggregates": [fn.value for fn in column.functions],
        "periods": [period.value for period in column.periods],
        "lookup": column.lookup or None,
        "choices": None if choices is None else [{"value": value, "label": label} for value, label in choices],
        "filters": [
            {"name": name, "label": filters[name].label, **filters[name].value.to_dict()}
            for name in column.filters
            if name in filters
        ],
        "description": str(column.description),
        "width": column.width,
        "format": None if column.format is None else column.format.to_dict(),
    }


def _limits() -> MutableJSONObject:
    limits = settings()
    return {
        "pageSize": limits.PAGE_SIZE_MAX,
        "depth": limits.FILTER_DEPTH_MAX,
        "nodes": limits.FILTER_NODES_MAX,
        "inList": limits.FILTER_LIST_MAX,
        "values": limits.FILTER_VALUES_MAX,
        "sort": limits.SORT_TERMS_MAX,
        "groups": limits.GROUPS_MAX,
        "aggregates": AGGREGATES_MAX,
        "pivotColumns": limits.PIVOT_COLUMNS_MAX,
        "searchLength": limits.SEARCH_LENGTH_MAX,
        "events": limits.EVENTS_MAX,
        "views": limits.VIEWS_PER_USER,
        "stateBytes": limits.STATE_BYTES_MAX,
        "batch": limits.BATCH_MAX,
        "bulkRows": limits.BULK_ROWS_MAX,
    }


def _default_state(access: GridAccess) -> MutableJSONObject:
    return {
        "sort": [term.to_dict() for term in effective_sort(access, ())],
        "columns": list(access.by_id),
        "pageSize": page_size(access),
    }
