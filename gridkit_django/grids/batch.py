"""Many changes of single rows in one request: all of them or none, or each for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.db import connections, transaction

from gridkit_django.audit import through_grid
from gridkit_django.conf import settings
from gridkit_django.exceptions import GridKitError, QueryLimitError, RecordNotFoundError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.changes import VALUES, read_changes
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.creation import insert_row
from gridkit_django.grids.deletion import remove_row
from gridkit_django.grids.editing import require_version
from gridkit_django.grids.keeping import keep_undo
from gridkit_django.grids.locking import lock_rows, write_alias
from gridkit_django.grids.outcomes import NOWHERE, Outcome, Place, place_of
from gridkit_django.grids.pointers import below, pointer
from gridkit_django.grids.query import QUERY, GridQuery
from gridkit_django.grids.reasons import require_reason
from gridkit_django.grids.records import read_key
from gridkit_django.grids.rows import compile_query
from gridkit_django.grids.updating import update_row
from gridkit_django.grids.zones import zone_of
from gridkit_django.outbox import gathered

ITEMS = "items"
"""The member of a body that holds the changes of a batch."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One change of a batch.

    Attributes:
        op: what is wanted.
        pk: the row's primary key; None for a new row.
        version: the version that the change was made from; empty for a new row.
        values: column id to JSON value; empty for a deletion.
        temp_id: what the client calls the new row until it has a key.
        cascade: whether a deletion may take other rows along.
    """

    op: Literal["create", "update", "delete"]
    pk: Any = None
    version: str = ""
    values: Mapping[str, Any] | None = None
    temp_id: str | int | None = None
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one change.

    Attributes:
        item: the change.
        outcome: what it led to, or None when it was refused.
        place: where the row stands in what the user looks at.
        error: why it was refused, or None. Its pointers lead into the body of the batch.
    """

    item: BatchItem
    outcome: Outcome | None = None
    place: Place = NOWHERE
    error: GridKitError | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch led to.

    Attributes:
        verdicts: one for each change, in their order.
        applied: whether anything was kept: false for an atomic batch of which some change was refused.
        undo: a token to undo all that was kept, or None.
    """

    verdicts: tuple[Verdict, ...]
    applied: bool
    undo: str | None


def apply_batch(
    access: GridAccess,
    items: Sequence[BatchItem],
    *,
    atomic: bool = True,
    query: GridQuery | None = None,
    undoable: bool = False,
) -> BatchResult:
    """Carry out changes of single rows, in their order and in one transaction.

    All rows are locked first, in one order. Each change is judged and told like a single one. A change that is refused
    leaves no trace; in an atomic batch it undoes all others, after all have been judged.

    Args:
        access: the grid and the user.
        items: the changes.
        atomic: whether they stand or fall together.
        query: what the user looks at, to learn whether the rows still belong there.
        undoable: whether a token to undo them is kept for the user.

    Raises:
        AccessDeniedError: the user lacks the right to one of the kinds of change.
        QueryLimitError: there are more than ``BATCH_MAX`` changes.
        QueryError: the query can't be answered.
    """
    most = settings().BATCH_MAX
    if len(items) > most:
        raise QueryLimitError.at(pointer(ITEMS), f"The batch has {len(items)} changes; at most {most} are allowed.")
    ops = {item.op for item in items}
    access.require(edit="update" in ops, create="create" in ops, delete="delete" in ops)
    require_reason(access)
    if query is not None:
        with below(pointer(QUERY)):
            compile_query(access, query)
    return _Batch(access, query, atomic=atomic, undoable=undoable).carry_out(items)


class _Batch:
    """One batch on its way."""

    def __init__(self, access: GridAccess, query: GridQuery | None, *, atomic: bool, undoable: bool) -> None:
        self._access = access
        self._query = query
        self._atomic = atomic
        self._undoable = undoable
        self._alias = write_alias(access)
        self._frame = Frame(zone_of(access), connections[self._alias].vendor)

    def carry_out(self, items: Sequence[BatchItem]) -> BatchResult:
        """Carry out all changes in one transaction."""
        in_grid = through_grid(self._access.grid_id, self._access.options.model)
        with in_grid, gathered(), transaction.atomic(using=self._alias):
            self._lock(items)
            verdicts = tuple(self._verdict(index, item) for index, item in enumerate(items))
            if self._atomic and any(verdict.error for verdict in verdicts):
                transaction.set_rollback(True, using=self._alias)
                kept = tuple(replace(verdict, outcome=None, place=NOWHERE) for verdict in verdicts)
                return BatchResult(kept, applied=False, undo=None)
            return BatchResult(verdicts, applied=True, undo=self._keep(verdicts))

    def _lock(self, items: Sequence[BatchItem]) -> None:
        """Lock all rows in the order of their keys, so that two batches never wait for each other in a circle."""
        keys = []
        for item in items:
            with suppress(RecordNotFoundError):  # the item's own verdict will say so
                keys.append(read_key(self._access, item.pk))
        delete = any(item.op == "delete" for item in items)
        if keys:
            lock_rows(self._access, keys, self._alias, delete=delete)

    def _verdict(self, index: int, item: BatchItem) -> Verdict:
        act: Callable[[BatchItem], Outcome] = getattr(self, f"_{item.op}")
        try:
            with below(pointer(ITEMS, index)), transaction.atomic(using=self._alias):
                outcome = act(item)
                return Verdict(item, outcome, place_of(self._access, outcome, self._query, self._alias))
        except GridKitError as error:
            return Verdict(item, error=error)

    def _create(self, item: BatchItem) -> Outcome:
        values = read_changes(self._access, item.values or {}, self._frame, VALUES)
        return insert_row(self._access, self._alias, values)

    def _update(self, item: BatchItem) -> Outcome:
        require_version(item.version)
        raw = item.values or {}
        values = read_changes(self._access, raw, self._frame)
        return update_row(self._access, self._alias, read_key(self._access, item.pk), values, item.version, raw)

    def _delete(self, item: BatchItem) -> Outcome:
        require_version(item.version)
        key = read_key(self._access, item.pk)
        return remove_row(self._access, self._alias, key, item.version, cascade=item.cascade)

    def _keep(self, verdicts: Sequence[Verdict]) -> str | None:
        done = [verdict.outcome for verdict in verdicts if verdict.outcome is not None]
        changing = [outcome for outcome in done if outcome.op != "update" or outcome.changed]
        steps = [outcome.step for outcome in changing if outcome.step is not None]
        # Half an undo would be a surprise: a batch is undone whole or not at all.
        return keep_undo(self._access, steps) if self._undoable and len(steps) == len(changing) else None
