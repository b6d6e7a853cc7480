"""Taking one recorded change back: a new edit, judged and recorded like any other."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import transaction

from gridkit_django.audit import through_grid
from gridkit_django.audit.policies import CREATE, DELETE, UPDATE
from gridkit_django.audit.state import is_withheld, row_values
from gridkit_django.events import current_act, explaining
from gridkit_django.exceptions import GridKitError, GridNotFoundError, RevertError
from gridkit_django.grids.access import GridAccess, open_grid, open_grids
from gridkit_django.grids.audit_reading import AuditReader, SeenRecord
from gridkit_django.grids.deletion import remove_row
from gridkit_django.grids.editing import apply_edit
from gridkit_django.grids.keeping import keep_undo
from gridkit_django.grids.locking import lock_row, write_alias
from gridkit_django.grids.outcomes import Outcome
from gridkit_django.grids.reasons import require_reason
from gridkit_django.grids.records import get_record, read_key
from gridkit_django.grids.reviving import revive
from gridkit_django.grids.rows import Row
from gridkit_django.typing import User


@dataclass(frozen=True, slots=True)
class RevertResult:
    """What taking a change back led to.

    Attributes:
        row: the row as it is now, None when it is no more.
        changed: ids of the columns whose values changed, in the grid's order.
        undo: a token to undo it, or None.
    """

    row: Row | None
    changed: tuple[str, ...]
    undo: str | None


def revert_change(user: User, record_id: uuid.UUID) -> RevertResult:
    """Take one recorded change back: fields get the values they had, a new row goes, a deleted one is made again.

    It is an edit through a grid: the one that the change was made through, or any other over the model in which the
    user may do it. Rights, judgements, handlers, records and the reason are those of every edit. When the row has
    moved on since, nothing is done.

    Args:
        user: who takes it back; needs the right to read the trail, and to edit, delete or make the row.
        record_id: the ``uuid`` of the record.

    Returns:
        The row as it is now, with a token to undo it.

    Raises:
        AuditRecordNotFoundError: there is no such record.
        RevertError: it is no change of a row, its values were not stored, the row has moved on, or no grid lets the
            user do it.
        GridKitError: whatever an edit is refused with.
    """
    seen = AuditReader(user).one(record_id)
    pairs = _pairs(seen)
    access = _grid_for(user, seen, pairs)
    reason = current_act().reason or f"Revert of {record_id}"
    alias = write_alias(access)
    with explaining(reason), transaction.atomic(using=alias):
        if seen.record.action == UPDATE:
            return _put_back(access, alias, seen, pairs)
        require_reason(access)
        with through_grid(access.grid_id, access.options.model):
            if seen.record.action == CREATE:
                return _result(access, _take_away(access, alias, seen, pairs))
            return _result(access, revive(access, alias, seen.record, pairs))


def _put_back(access: GridAccess, alias: str, seen: SeenRecord, pairs: Mapping[str, Any]) -> RevertResult:
    key, columns = read_key(access, seen.record.target_id), _columns(access, pairs)
    if columns is None:
        raise _no_grid(UPDATE, pairs)
    _require_unmoved(row_values(lock_row(access, key, alias)), pairs)
    version = get_record(access, key, using=alias).version
    changes = {columns[name]: before for name, (before, _after) in pairs.items()}
    edit = apply_edit(access, key, changes, version, undoable=True)
    return RevertResult(edit.row, edit.changed, edit.undo)


def _take_away(access: GridAccess, alias: str, seen: SeenRecord, pairs: Mapping[str, Any]) -> Outcome:
    """Delete a row that is still as it was made; rows that depend on it keep it."""
    key = read_key(access, seen.record.target_id)
    _require_unmoved(row_values(lock_row(access, key, alias, delete=True)), pairs)
    return remove_row(access, alias, key, None, cascade=False)


def _result(access: GridAccess, outcome: Outcome) -> RevertResult:
    steps = [outcome.step] if outcome.step is not None else []
    return RevertResult(outcome.row, outcome.changed, keep_undo(access, steps))


def may_revert(user: User, seen: SeenRecord) -> bool:
    """Whether the user could take a change back, as far as that is known before it is tried."""
    return not why_not(user, seen)


def why_not(user: User, seen: SeenRecord) -> str:
    """Return why the user can't take a change back, as far as that is known before it is tried; empty when they can."""
    try:
        _grid_for(user, seen, _pairs(seen))
    except GridKitError as error:
        return error.detail
    return ""


def _pairs(seen: SeenRecord) -> Mapping[str, Any]:
    """Return field to before and after, without what every save sets anew (``auto_now``).

    Raises:
        RevertError: when the record is no change of a row, or its values are not there to go back to.
    """
    if seen.record.action not in (CREATE, UPDATE, DELETE) or not seen.changes:
        raise RevertError("Only a change of a row that you may see can be taken back.")
    if len(seen.changes) != len(seen.record.changes):
        raise RevertError("You may not see all that this change was about, so you can't take it back.")
    if any(is_withheld(value) for pair in seen.changes.values() for value in pair):
        raise RevertError("Some values of this change were not stored in the clear, so there is nothing to go back to.")
    if seen.record.action != UPDATE:
        return seen.changes
    stamps = _stamps(seen.record.target_type)
    return {name: pair for name, pair in seen.changes.items() if name not in stamps} or seen.changes


def _stamps(target_type: str) -> set[str]:
    """Return the fields that every save sets anew; none where the model is gone, over which there is no grid either."""
    try:
        fields = apps.get_model(target_type)._meta.concrete_fields
    except (LookupError, ValueError):
        return set()
    return {field.name for field in fields if getattr(field, "auto_now", False)}


def _grid_for(user: User, seen: SeenRecord, pairs: Mapping[str, Any]) -> GridAccess:
    lacking = set(pairs)
    for access in _grids(user, seen):
        if _lets(access, seen.record.action, pairs):
            return access
        if access.can_edit:
            lacking = min(lacking, pairs.keys() - _editable(access, pairs).keys(), key=len)
    raise _no_grid(seen.record.action, lacking)


def _lets(access: GridAccess, action: str, pairs: Mapping[str, Any]) -> bool:
    """Whether the user may do through a grid what takes a change back.

    A row is deleted or made again whole, whatever columns the grid has: both need the right of the model, too.
    """
    if action == UPDATE:
        return access.can_edit and _columns(access, pairs) is not None
    return access.can_delete if action == CREATE else access.can_create


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
    by_field = _editable(access, pairs)
    return {name: by_field[name] for name in pairs} if pairs.keys() <= by_field.keys() else None


def _editable(access: GridAccess, pairs: Mapping[str, Any]) -> dict[str, str]:
    """Return field to the column over it, of those that the user may edit."""
    by_field = {column.field.name: column.id for column in access.editable_columns}
    return by_field | {column.id: column.id for column in access.editable_columns if column.id in pairs}


def _require_unmoved(now: Mapping[str, Any], pairs: Mapping[str, Any]) -> None:
    moved = sorted(name for name, (_before, after) in pairs.items() if name in now and now[name] != after)
    if moved:
        raise RevertError(
            f"Changed again since: {', '.join(moved)}. Compare the row of today and edit it.", extra={"fields": moved}
        )


def _no_grid(action: str, lacking: Iterable[str]) -> RevertError:
    return RevertError(_NO_GRID[action].format(fields=", ".join(sorted(lacking))))


_NO_GRID = {
    CREATE: "No grid over this model lets you delete rows. Ask somebody who may.",
    UPDATE: "No grid lets you edit all fields of this change; not {fields}. Edit the row where that is edited.",
    DELETE: "No grid over this model lets you make rows. Ask somebody who may.",
}
