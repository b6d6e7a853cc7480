"""What a reader of the audit trail may see of a record: rows and columns are as closed there as in the grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from django.contrib.auth import get_permission_codename

from gridkit_django.audit import audit_policies
from gridkit_django.audit.labels import label_names
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
    over its model hides from the reader; where a grid over the model closes rows, it vanishes for readers who see the
    row in no grid and may not view the model. Nothing tells that something was left out: what a user may not see does
    not exist.

    Args:
        user: the reader.
        records: the page; each grid is opened once, and its rows are looked up in one query.
    """

    def __init__(self, user: User, records: Iterable[AuditRecord]) -> None:
        self._user = user
        self._records = tuple(records)
        self._rights = GridRights(user)
        self._label_names: dict[str, frozenset[str]] = {}

    def changes_of(self, record: AuditRecord) -> dict[str, Any]:
        """Return the changes that the reader may see."""
        if self._is_closed(record):
            return {}
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
        """Return the target's label, empty when the reader may not see the target, or a field that it may come from."""
        closed = self._is_closed(record) or (record.grid and self._access(record) is None)
        return "" if closed or self._hides_label(record) else record.target_label

    def _hides_label(self, record: AuditRecord) -> bool:
        label = record.target_type
        if label not in self._label_names:
            self._label_names[label] = label_names(label, audit_policies().table)
        names = self._label_names[label]
        access = self._access(record) if record.grid else None
        if access is not None and _is_row(record, access):
            return not all(self._shows(access, name) for name in names)
        return bool(names & self._hidden_fields.get(label, frozenset()))

    def context_of(self, record: AuditRecord) -> dict[str, Any]:
        """Return the circumstances; evidence may speak of any column, so it is for readers of all of them."""
        access = self._access(record) if record.grid else None
        if (not record.grid and not self._is_closed(record)) or (
            access is not None and len(access.by_id) == len(access.grid.columns())
        ):
            return dict(record.context)
        return {name: value for name, value in record.context.items() if name != "evidence"}

    def _is_closed(self, record: AuditRecord) -> bool:
        """Whether a record made without a grid is about a row that is closed to the reader."""
        shown = None if record.grid else self._rows_shown.get(record.target_type)
        return shown is not None and record.target_id not in shown

    @cached_property
    def _rows_shown(self) -> Mapping[str, frozenset[str]]:
        """Model label to the ids of the page's rows that some grid shows the reader, where grids close rows."""
        asked = {record.target_type for record in self._records if not record.grid}
        grids = [grid for grid in grid_registry().all() if grid.options.model._meta.label_lower in asked]
        guarded = {grid.options.model for grid in grids if grid.options.row_permission is not None}
        shown: dict[str, frozenset[str]] = {}
        for model in guarded:
            over = [GridAccess(grid, self._user, self._rights) for grid in grids if grid.options.model is model]
            if not self._views_model(over[0]):
                ids = (self._shown_by(access) for access in over if access.can_open)
                shown[model._meta.label_lower] = frozenset[str]().union(*ids)
        return shown

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
        return _seen_among(access, {record.target_id for record in self._records if record.grid == access.grid_id})

    def _shown_by(self, access: GridAccess) -> frozenset[str]:
        """Return the ids of the rows of records without a grid that a grid shows."""
        label = _model_label(access)
        ids = {item.target_id for item in self._records if not item.grid and item.target_type == label}
        return _seen_among(access, ids)

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


def _seen_among(access: GridAccess, named: set[str]) -> frozenset[str]:
    """Return the ids among these whose rows the grid shows; without a row permission that is all of them."""
    if access.options.row_permission is None:
        return frozenset(named)
    keys = [key for key in (_key_or_none(access, text) for text in named) if key is not None]
    return frozenset(str(key) for key in access.queryset().filter(pk__in=keys).values_list("pk", flat=True))


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
