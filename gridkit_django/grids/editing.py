"""The one way in which a person's edit reaches a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

from gridkit_django.events import event_bus, make_event
from gridkit_django.events.bus import Emission
from gridkit_django.exceptions import (
    EditInvalidError,
    RecordNotFoundError,
    VersionConflictError,
    VersionRequiredError,
)
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.changes import CHANGES, read_changes
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.drafts import Draft, lock_row, write_alias
from gridkit_django.grids.pointers import pointer
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.records import get_record, read_key
from gridkit_django.grids.rows import Row, compile_query
from gridkit_django.grids.zones import zone_of


@dataclass(frozen=True, slots=True)
class EditResult:
    """What an edit led to.

    Attributes:
        row: the row as it is now, labels behind foreign keys included.
        changed: ids of the columns whose values changed, in the grid's order; empty when nothing did.
        matches_filter: whether the row is still among the rows of the query that was given; None without one.
    """

    row: Row
    changed: tuple[str, ...]
    matches_filter: bool | None


def apply_edit(
    access: GridAccess, pk: Any, changes: Mapping[str, Any], version: str, query: GridQuery | None = None
) -> EditResult:
    """Change values of one row, all or nothing.

    In one transaction: the row is locked, its version compared, the values judged by the model; ``row:update`` and a
    ``cell:edit`` for each changed column are told before (handlers may veto), the row is saved, and they are told
    after; after the commit they are told as committed. When no value differs, nothing is written and nothing is told.

    Args:
        access: the grid and the user.
        pk: the row's primary key, as it stands in the address.
        changes: column id to JSON value.
        version: the version of the row that the edit was made from.
        query: what the user looks at, to learn whether the row still belongs there.

    Raises:
        AccessDeniedError: the user may not edit rows of this grid.
        VersionRequiredError: ``version`` is empty.
        UnknownColumnError: a column does not exist, or the user may not see it: the same answer.
        ColumnNotEditableError: the user may see a column, but not change it.
        EditInvalidError: a value fits neither column nor model nor database, or the row would leave the user's sight.
        RecordNotFoundError: there is no such row, or the user may not see it: the same answer.
        VersionConflictError: the row has moved on; ``extra`` holds ``current`` and ``yours``.
        EventRejected: a handler vetoed.
    """
    access.require(edit=True)
    if not version:
        raise VersionRequiredError("An edit needs the version of the row that it was made from. Read the row first.")
    alias = write_alias(access)
    frame = Frame(zone_of(access), connections[alias].vendor)
    values = read_changes(access, changes, frame)
    key = read_key(access, pk)
    with transaction.atomic(using=alias):
        draft = Draft(access, lock_row(access, key, alias), values)
        before = get_record(access, key, using=alias)
        if before.version != version:
            raise _conflict(before, changes)
        draft.judge()
        changed = tuple(draft.changed)
        row = _carry_out(_Edit(access, key, alias, before), draft) if draft.changed_fields else before
        matches = None if query is None else _is_among(access, key, query, alias)
    return EditResult(row, changed, matches)


@dataclass(frozen=True, slots=True)
class _Edit:
    """One edit on its way: the grid and user, the key, the database, and the row as it was."""

    access: GridAccess
    key: Any
    alias: str
    before: Row


def _carry_out(edit: _Edit, draft: Draft) -> Row:
    """Tell before, save, read again, tell after; return the row as it is now."""
    zone = zone_of(edit.access)
    wished = {name: edit.access.column(name).to_wire(value, zone) for name, value in draft.changed.items()}
    changes = {name: [edit.before.data[name], new] for name, new in wished.items()}
    update = _open(edit, "row:update", changes=changes, versionBefore=edit.before.version)
    cells = {name: _open(edit, "cell:edit", column=name, old=old, new=new) for name, (old, new) in changes.items()}
    for emission in (update, *cells.values()):
        emission.before()
    draft.save(edit.alias)
    row = _read_again(edit)
    update.after(changes={name: [edit.before.data[name], row.data[name]] for name in changes}, version=row.version)
    for name, emission in cells.items():
        emission.after(new=row.data[name])
    return row


def _open(edit: _Edit, event_type: str, **payload: Any) -> Emission:
    event = make_event(event_type, {"rowId": str(edit.before.id), **payload}, grid=edit.access.grid_id)
    return event_bus().open(event, sender=edit.access.grid, using=edit.alias)


def _read_again(edit: _Edit) -> Row:
    """Return the row as it stands in the database now.

    Raises:
        EditInvalidError: when the user may no longer see it: who can't see a row may not put one there.
    """
    try:
        return get_record(edit.access, edit.key, using=edit.alias)
    except RecordNotFoundError as error:
        raise EditInvalidError.at(
            pointer(CHANGES), "With these values the row would be none that you may see. Nothing was saved."
        ) from error


def _conflict(current: Row, changes: Mapping[str, Any]) -> VersionConflictError:
    return VersionConflictError(
        "Somebody has changed this row since you read it. Compare it with yours, and edit again from its version.",
        extra={"current": current.to_dict(), "yours": dict(changes)},
    )


def _is_among(access: GridAccess, key: Any, query: GridQuery, alias: str) -> bool:
    return bool(compile_query(access, query).queryset.using(alias).filter(pk=key).exists())
