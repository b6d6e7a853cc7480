"""Making new rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connections, transaction

from gridkit_django.audit import through_grid
from gridkit_django.events import event_bus, make_event
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.changes import VALUES, read_changes
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.drafts import NewDraft
from gridkit_django.grids.editing import EditResult, edit_result
from gridkit_django.grids.locking import write_alias
from gridkit_django.grids.outcomes import Outcome, read_again
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.reasons import require_reason
from gridkit_django.grids.steps import Step
from gridkit_django.grids.zones import zone_of
from gridkit_django.typing import JSONValue


def create_row(
    access: GridAccess, values: Mapping[str, Any], query: GridQuery | None = None, *, undoable: bool = False
) -> EditResult:
    """Make a new row, all or nothing.

    In one transaction: the values are judged by the model, all of its fields included; ``row:create`` is told before
    (handlers may veto), the row is saved, and it is told after; after the commit it is told as committed.

    Args:
        access: the grid and the user.
        values: column id to JSON value; what is left out has its default.
        query: what the user looks at, to learn whether the row belongs there.
        undoable: whether a token to undo it is kept for the user.

    Raises:
        AccessDeniedError: the user may not make rows in this grid.
        UnknownColumnError: a column does not exist, or the user may not see it: the same answer.
        ColumnNotEditableError: the user may see a column, but not give it a value.
        EditInvalidError: a value fits neither column nor model nor database, one is missing, or the user could not see
            the row.
        EventRejected: a handler vetoed.
    """
    access.require(create=True)
    require_reason(access)
    alias = write_alias(access)
    frame = Frame(zone_of(access), connections[alias].vendor)
    read = read_changes(access, values, frame, VALUES)
    with through_grid(access.grid_id, access.options.model), transaction.atomic(using=alias):
        return edit_result(access, insert_row(access, alias, read), query, alias, undoable=undoable)


def insert_row(access: GridAccess, alias: str, values: Mapping[str, Any]) -> Outcome:
    """Make a new row inside the caller's transaction.

    Args:
        access: the grid and the user, whose right was asked.
        alias: the database.
        values: column id to Python value, read by ``read_changes``.

    Raises:
        EditInvalidError: the model or the database refuses, or the user could not see the row.
        EventRejected: a handler vetoed.
    """
    return carry_out_new(access, alias, NewDraft(access, access.grid.new_row(access.user), values))


def carry_out_new(access: GridAccess, alias: str, draft: NewDraft) -> Outcome:
    """Judge, tell and save a new row.

    Raises:
        EditInvalidError: the model or the database refuses, or the user could not see the row.
        EventRejected: a handler vetoed.
    """
    draft.judge()
    instance = draft.instance
    key = "" if instance.pk is None else str(instance.pk)
    event = make_event("row:create", {"rowId": key, "values": _wished(access, draft)}, grid=access.grid_id)
    emission = event_bus().open(event, sender=access.grid, using=alias)
    emission.before()
    draft.save(alias)
    row = read_again(access, instance.pk, alias, VALUES)
    emission.after(rowId=str(row.id), values=row.data, version=row.version)
    step = Step("create", str(instance.pk), version=row.version)
    changed = tuple(name for name, value in row.data.items() if value is not None)
    return Outcome("create", instance.pk, row.id, None, row, changed, step)


def _wished(access: GridAccess, draft: NewDraft) -> dict[str, JSONValue]:
    """Return the visible values that the row is about to have; the database may still fill in others."""
    zone = zone_of(access)
    values = {column: getattr(draft.instance, column.field.attname) for column in access.version_columns}
    return {
        column.id: column.to_wire(value, zone)
        for column, value in values.items()
        if not hasattr(value, "resolve_expression")
    }
