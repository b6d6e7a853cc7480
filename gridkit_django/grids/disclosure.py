"""What a reader of the audit trail may see of a record: rows and columns are as closed there as in the grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from django.contrib.auth import get_permission_codename

from gridkit_django.exceptions import GridNotFoundError, RecordNotFoundError
from gridkit_django.grids.access import GridAccess, open_grid
from gridkit_django.grids.records import read_key
from gridkit_django.grids.registry import grid_registry
from gridkit_django.grids.rights import GridRights, has_permission
from gridkit_django.models import AuditRecord
from gridkit_django.typing import User


class RecordGate:
    """Decides for one reader and one page of records.

    A record made through a grid is read through that grid: its changes shrink to the fields that a column shows to
    the reader, and vanish with its label when the reader may not open the grid or see the row; a field that no column
    shows is for those who may view the model. A record of a row made without a grid loses the fields that some grid
    over its model hides from the reader. Nothing tells that something was left out: what a user may not see does not
    exist.

    Args:
        user: the reader.
        records: the page; each grid is opened once, and its rows are looked up in one query.
    """

    def __init__(self, user: User, records: Iterable[AuditRecord]) -> None:
        self._user = user
        self._records = tuple(records)
        self._rights = GridRights(user)

    def changes_of(self, record: AuditRecord) -> dict[str, Any]:
        """Return the changes that the reader may see."""
        if not record.grid:
            hidden = self._hidden_fields.get(record.target_type, frozenset())
            return {name: change for name, change in record.changes.items() if name not in hidden}
        access = self._access(record)
        if access is None:
            return {}
        if not _is_row(record, access):
            hidden = frozenset(access.grid.columns()) - access.by_id.keys()
            return {name: change for name, change in record.changes.items() if name not in hidden}
        return {name: change for name, change in record.changes.items() if self._shows(access, name)}

    def label_of(self, record: AuditRecord) -> str:
        """Return the target's label, empty when the reader may not see the target."""
        return "" if record.grid and self._access(record) is None else record.target_label

    def context_of(self, record: AuditRecord) -> dict[str, Any]:
        """Return the circumstances; evidence may speak of any column, so it is for readers of all of them."""
        access = self._access(record) if record.grid else None
        if not record.grid or (access is not None and len(access.by_id) == len(access.grid.columns())):
            return dict(record.context)
        return {name: value for name, value in record.context.items() if name != "evidence"}

    def _shows(self, access: GridAccess, name: str) -> bool:
        """Whether the reader may see a changed field of a row; records of old name it by the id of its column."""
        columns = access.grid.columns()
        concerned = [key for key, column in columns.items() if column.own and column.field.name == name]
        concerned = concerned or [key for key in columns if key == name]
        if concerned:
            return any(key in access.by_id for key in concerned)
        return name not in self._hidden_fields[_model_label(access)] and self._views_model(access)

    def _views_model(self, access: GridAccess) -> bool:
        options = access.options.model._meta
        return has_permission(self._user, f"{options.app_label}.{get_permission_codename('view', options)}")

    def _access(self, record: AuditRecord) -> GridAccess | None:
        """Return the reader's access to the record's grid, or None when the grid or the row is closed to them."""
        access = self._opened[record.grid]
        if access is not None and _is_row(record, access):
            return access if record.target_id in self._open_rows[record.grid] else None
        return access

    @cached_property
    def _opened(self) -> Mapping[str, GridAccess | None]:
        return {grid: _open_or_none(grid, self._rights) for grid in {record.grid for record in self._records}}

    @cached_property
    def _open_rows(self) -> Mapping[str, frozenset[str]]:
        return {grid: self._rows_of(access) for grid, access in self._opened.items() if access is not None}

    def _rows_of(self, access: GridAccess) -> frozenset[str]:
        """Return the ids of the page's rows that the reader may see; without a row permission that is all of them."""
        named = {record.target_id for record in self._records if record.grid == access.grid_id}
        if access.options.row_permission is None:
            return frozenset(named)
        keys = [key for key in (_key_or_none(access, text) for text in named) if key is not None]
        return frozenset(str(key) for key in access.queryset().filter(pk__in=keys).values_list("pk", flat=True))

    @cached_property
    def _hidden_fields(self) -> Mapping[str, frozenset[str]]:
        """Model label to the fields that some grid hides from the reader."""
        hidden: dict[str, frozenset[str]] = {}
        for grid in grid_registry().all():
            access = GridAccess(grid, self._user, self._rights)
            closed = [column for key, column in grid.columns().items() if key not in access.by_id]
            names = {column.field.name if column.own else column.path for column in closed}
            label = _model_label(access)
            hidden[label] = hidden.get(label, frozenset()) | names
        return hidden


def _open_or_none(grid: str, rights: GridRights) -> GridAccess | None:
    try:
        return open_grid(grid, rights.user, rights)
    except GridNotFoundError:
        return None


def _is_row(record: AuditRecord, access: GridAccess) -> bool:
    return record.target_type == _model_label(access)


def _model_label(access: GridAccess) -> str:
    concrete: Any = access.options.model._meta.concrete_model
    return str(concrete._meta.label_lower)


def _key_or_none(access: GridAccess, text: str) -> Any:
    """Return the primary key that a record names, or None when the model's key has changed its type since."""
    try:
        return read_key(access, text)
    except RecordNotFoundError:
        return None
