"""What a grid's ``class Meta`` says, read once and checked for unknown keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from django.db import models

from gridkit_django.exceptions import GridDeclarationError
from gridkit_django.typing import User

RowPermission: TypeAlias = "str | Callable[[models.QuerySet[Any], User], models.QuerySet[Any]] | None"
"""Which rows a user sees: an object permission, a function that narrows the queryset, or None for all."""

PluginOverlay: TypeAlias = "Mapping[str, Mapping[str, Any] | bool]"
"""Plugin id to the configuration laid over its own for this grid, or False to exclude it; ``*`` admits all others."""

AuditReason: TypeAlias = Literal["", "optional", "required"]
"""Whether a change needs a reason."""

_GRID_ID = re.compile(r"[a-z][a-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True)
class GridOptions:
    """The options of a grid.

    Attributes:
        model: whose rows the grid shows.
        id: the name on the wire and in addresses: small letters, digits, ``-`` and ``_``.
        label: what people read.
        columns: ids of the columns, in order; a name without a declared column is inferred from the model's field.
            None means the declared columns in the order of their declaration.
        default_sort: column ids, ``-`` first for descending; in force when a query names no sort.
        search: ids of the columns that the search looks into.
        search_backend: dotted path of the ``SearchBackend`` that finds words; None means that of the settings.
        page_size: rows of a window when the query names no size; None means the setting ``PAGE_SIZE``.
        time_zone: name of the zone in which days begin; None means Django's current one.
        plugins: which plugins serve this grid; None means every active one.
        row_permission: which rows a user sees.
        track: whether edits of this grid are recorded.
        audit_reason: whether people are asked why they change a row: ``required``, ``optional``, or empty for no.
        audit_label: id of the column whose value names a row in its audit records; empty for what the model suggests.
        creatable: whether people with the right to edit the grid and to add such rows may make new ones.
        deletable: whether people with the right to edit the grid and to delete such rows may delete them.
        filterset_class: a ``FilterSet`` of django-filter whose filters serve the columns; None for none.
    """

    model: type[models.Model]
    id: str
    label: str
    columns: tuple[str, ...] | None = None
    default_sort: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    search_backend: str | None = None
    page_size: int | None = None
    time_zone: str | None = None
    plugins: PluginOverlay | None = None
    row_permission: RowPermission = None
    track: bool = True
    audit_reason: AuditReason = ""
    audit_label: str = ""
    creatable: bool = False
    deletable: bool = False
    filterset_class: type[Any] | None = None


def read_options(grid_name: str, meta: type) -> GridOptions:
    """Read a ``class Meta``.

    Args:
        grid_name: name of the grid class; gives the default id (``OrderGrid`` is ``order``).
        meta: the class.

    Raises:
        GridDeclarationError: for an unknown option, a missing model or an id that can't stand in an address.
    """
    values = {key: getattr(meta, key) for key in dir(meta) if not key.startswith("_")}
    known = {item.name for item in fields(GridOptions)}
    if unknown := sorted(set(values) - known):
        raise GridDeclarationError(
            f"{grid_name}.Meta has unknown options: {', '.join(unknown)}. Known are: {', '.join(sorted(known))}."
        )
    model = values.get("model")
    if not (isinstance(model, type) and issubclass(model, models.Model)):
        raise GridDeclarationError(f"{grid_name}.Meta.model must be the model class whose rows the grid shows.")
    values.setdefault("id", _default_id(grid_name))
    values.setdefault("label", str(model._meta.verbose_name_plural).capitalize())
    if not isinstance(values["id"], str) or not _GRID_ID.fullmatch(values["id"]):
        raise GridDeclarationError(
            f"{grid_name}.Meta.id is {values['id']!r}; it must be small letters, digits, '-' and '_', a letter first."
        )
    if values.get("audit_reason", "") not in get_args(AuditReason):
        raise GridDeclarationError(
            f"{grid_name}.Meta.audit_reason is {values['audit_reason']!r}; it must be 'required', 'optional' or ''."
        )
    return GridOptions(**{key: _frozen(grid_name, key, value) for key, value in values.items()})


def _default_id(grid_name: str) -> str:
    stem = grid_name.removesuffix("Grid") or grid_name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", stem).lower()


def _frozen(grid_name: str, key: str, value: Any) -> Any:
    """Turn lists into tuples; a lone string where names are listed is the usual slip, so it is refused."""
    if key not in {"columns", "default_sort", "search"} or value is None:
        return value
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise GridDeclarationError(f"{grid_name}.Meta.{key} must be a list of column ids.")
    return tuple(value)
