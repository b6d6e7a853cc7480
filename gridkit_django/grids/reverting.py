"""Taking one recorded change back: a new edit, judged and recorded like any other."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from gridkit_django.audit.state import is_withheld, row_values
from gridkit_django.events import current_act, explaining
from gridkit_django.exceptions import GridKitError, GridNotFoundError, RevertError
from gridkit_django.grids.access import GridAccess, open_grid, open_grids
from gridkit_django.grids.audit_reading import AuditReader, SeenRecord
from gridkit_django.grids.editing import EditResult, apply_edit
from gridkit_django.grids.locking import lock_row, write_alias
from gridkit_django.grids.records import get_record, read_key
from gridkit_django.typing import User

UPDATE = "row.update"


def revert_change(user: User, record_id: uuid.UUID) -> EditResult:
    """Give the fields of a row the values that they had before one recorded change.

    It is an edit through a grid: the one that the change was made through, or any other over the model in which the
    user may change all of its fields. Rights, judgements, handlers, records and the reason are those of every edit.
    When a value has been changed again since, nothing is done.

    Args:
        user: who takes it back; needs the right to read the trail, and to edit the row.
        record_id: the ``uuid`` of the record.

    Returns:
        The row as it is now, with a token to undo it.

    Raises:
        AuditRecordNotFoundError: there is no such record.
        RevertError: it is no update, its values were not stored, a value has moved on, or no grid lets the user do it.
        GridKitError: whatever an edit is refused with.
    """
    seen = AuditReader(user).one(record_id)
    pairs = _pairs(seen)
    access = _grid_for(user, seen, pairs)
    columns = _columns(access, pairs)
    if columns is None:
        raise _no_grid()
    reason = current_act().reason or f"Revert of {record_id}"
    alias = write_alias(access)
    key = read_key(access, seen.record.target_id)
    with explaining(reason), transaction.atomic(using=alias):
        _require_unmoved(row_values(lock_row(access, key, alias)), pairs)
        version = get_record(access, key, using=alias).version
        changes = {columns[name]: before for name, (before, _after) in pairs.items()}
        return apply_edit(access, key, changes, version, undoable=True)


def may_revert(user: User, seen: SeenRecord) -> bool:
    """Whether the user could take a change back, as far as that is known before it is tried."""
    try:
        _grid_for(user, seen, _pairs(seen))
    except GridKitError:
        return False
    return True


def _pairs(seen: SeenRecord) -> Mapping[str, Any]:
    """Return field to before and after.

    Raises:
        RevertError: when the record is no update, or its values are not there to go back to.
    """
    if seen.record.action != UPDATE or not seen.changes:
        raise RevertError("Only an update of a row whose changes you may see can be taken back.")
    if len(seen.changes) != len(seen.record.changes):
        raise RevertError("You may not see all that this change was about, so you can't take it back.")
    if any(is_withheld(value) for pair in seen.changes.values() for value in pair):
        raise RevertError("Some values of this change were not stored in the clear, so there is nothing to go back to.")
    return seen.changes


def _grid_for(user: User, seen: SeenRecord, pairs: Mapping[str, Any]) -> GridAccess:
    for access in _grids(user, seen):
        if access.can_edit and _columns(access, pairs) is not None:
            return access
    raise _no_grid()


def _grids(user: User, seen: SeenRecord) -> list[GridAccess]:
    """Return the grids through which it could be done, the one of the record first."""
    found: list[GridAccess] = []
    if seen.record.grid:
        try:
            found.append(open_grid(seen.record.grid, user))
        except GridNotFoundError:
            return []
    others = (item for item in open_grids(user) if item.grid_id != seen.record.grid)
    fitting = [item for item in others if item.options.model._meta.label_lower == seen.record.target_type]
    return [*found, *fitting]


def _columns(access: GridAccess, pairs: Mapping[str, Any]) -> dict[str, str] | None:
    """Return field to the editable column over it, or None when a field has none."""
    by_field = {column.field.name: column.id for column in access.editable_columns}
    by_field |= {column.id: column.id for column in access.editable_columns if column.id in pairs}
    return {name: by_field[name] for name in pairs} if pairs.keys() <= by_field.keys() else None


def _require_unmoved(now: Mapping[str, Any], pairs: Mapping[str, Any]) -> None:
    moved = sorted(name for name, (_before, after) in pairs.items() if name in now and now[name] != after)
    if moved:
        raise RevertError(
            f"Changed again since: {', '.join(moved)}. Compare the row of today and edit it.", extra={"fields": moved}
        )


def _no_grid() -> RevertError:
    return RevertError("No grid that you may edit shows all fields of this change. Edit the row where it is edited.")
