"""The one way in which a person's edit reaches a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

from gridkit_django.audit import through_grid
from gridkit_django.exceptions import VersionRequiredError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.changes import read_changes
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.keeping import keep_undo
from gridkit_django.grids.locking import write_alias
from gridkit_django.grids.outcomes import Outcome, place_of
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.reasons import require_reason
from gridkit_django.grids.records import read_key, record_not_found
from gridkit_django.grids.rows import Row
from gridkit_django.grids.updating import update_row
from gridkit_django.grids.zones import zone_of
from gridkit_django.outbox import gathered


@dataclass(frozen=True, slots=True)
class EditResult:
    """What an edit led to.

    Attributes:
        row: the row as it is now, labels behind foreign keys included.
        changed: ids of the columns whose values changed, in the grid's order; empty when nothing did.
        matches_filter: whether the row is still among the rows of the query that was given; None without one.
        moved: whether a value by which the rows of that query are sorted is another now; None without a query.
        undo: a token to undo it, or None.
    """

    row: Row
    changed: tuple[str, ...]
    matches_filter: bool | None
    moved: bool | None = None
    undo: str | None = None


def apply_edit(
    access: GridAccess,
    pk: Any,
    changes: Mapping[str, Any],
    version: str,
    query: GridQuery | None = None,
    *,
    undoable: bool = False,
) -> EditResult:
    """Change values of one row, all or nothing.

    In one transaction: the row is locked, its version compared, the values judged by the model; ``row:update`` and a
    ``cell:edit`` for each changed column are told before (handlers may veto), the row is saved, and they are told
    after; after the commit they are told as committed. When no value differs, nothing is written and nothing is told.

    When the row has moved on since ``version``, but in other columns only, both changes are kept.

    Args:
        access: the grid and the user.
        pk: the row's primary key, as it stands in the address.
        changes: column id to JSON value.
        version: the version of the row that the edit was made from.
        query: what the user looks at, to learn whether the row still belongs there.
        undoable: whether a token to undo it is kept for the user.

    Raises:
        AccessDeniedError: the user may not edit rows of this grid.
        VersionRequiredError: ``version`` is empty.
        UnknownColumnError: a column does not exist, or the user may not see it: the same answer.
        ColumnNotEditableError: the user may see a column, but not change it.
        EditInvalidError: a value fits neither column nor model nor database, or the row would leave the user's sight.
        RecordNotFoundError: there is no such row, or the user may not see it: the same answer.
        VersionConflictError: one of the columns has changed since; ``extra`` holds ``current``, ``yours``, ``columns``.
        EventRejected: a handler vetoed.
    """
    access.require(edit=True)
    require_reason(access)
    require_version(version)
    alias = write_alias(access)
    frame = Frame(zone_of(access), connections[alias].vendor)
    values = read_changes(access, changes, frame)
    key = read_key(access, pk)
    in_grid = through_grid(access.grid_id, access.options.model)
    with in_grid, gathered(), transaction.atomic(using=alias, savepoint=False):
        outcome = update_row(access, alias, key, values, version, changes)
        return edit_result(access, outcome, query, alias, undoable=undoable)


def require_version(version: str) -> None:
    """Refuse a change that does not say which version it was made from.

    Raises:
        VersionRequiredError: ``version`` is empty.
    """
    if not version:
        raise VersionRequiredError("An edit needs the version of the row that it was made from. Read the row first.")


def edit_result(
    access: GridAccess, outcome: Outcome, query: GridQuery | None, alias: str, *, undoable: bool
) -> EditResult:
    """Return what a person wants to know of a row that was changed or made, inside the transaction.

    Raises:
        QueryError: when this grid can't answer the query.
        RecordNotFoundError: when the row is no more.
    """
    if outcome.row is None:
        raise record_not_found()
    place = place_of(access, outcome, query, alias)
    steps = [outcome.step] if undoable and outcome.step is not None else []
    return EditResult(outcome.row, outcome.changed, place.matches, place.moved, keep_undo(access, steps))
