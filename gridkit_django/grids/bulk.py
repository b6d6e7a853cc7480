"""One change of many rows: all of them or none, in chunks, so that the memory it takes does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connections, models, transaction

from gridkit_django.audit import through_grid
from gridkit_django.conf import settings
from gridkit_django.events import BulkPart
from gridkit_django.exceptions import BulkDriftError, EditInvalidError, GridKitError, QueryLimitError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.changes import CHANGES, read_changes
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.deletion import RowDeletion
from gridkit_django.grids.drafts import Draft
from gridkit_django.grids.joint_saves import save_together
from gridkit_django.grids.keeping import keep_undo
from gridkit_django.grids.locking import lock_rows, write_alias
from gridkit_django.grids.looks import note_use
from gridkit_django.grids.outcomes import Outcome, out_of_sight
from gridkit_django.grids.pointers import pointer
from gridkit_django.grids.reasons import require_reason
from gridkit_django.grids.records import own_rows, shows_held_rows
from gridkit_django.grids.rows import Row, RowLayout
from gridkit_django.grids.selection import SELECTION, Selection
from gridkit_django.grids.sensitive import used_columns
from gridkit_django.grids.spool import CommittedSpool
from gridkit_django.grids.steps import Step
from gridkit_django.grids.time_limit import computable
from gridkit_django.grids.updating import RowUpdate
from gridkit_django.grids.zones import zone_of
from gridkit_django.typing import MutableJSONObject

CHUNK = 500
"""Rows that are held in memory at once."""


@dataclass(frozen=True, slots=True)
class BulkChange:
    """What is wanted of many rows.

    Attributes:
        action: what to do with them.
        selection: which rows.
        expected: how many rows the client believes them to be.
        changes: column id to JSON value; empty for a deletion.
        cascade: whether a deletion may take other rows along.
    """

    action: Literal["update", "delete"]
    selection: Selection
    expected: int
    changes: Mapping[str, Any]
    cascade: bool = False

    def to_dict(self) -> MutableJSONObject:
        """Write the change as JSON, for a worker."""
        return {
            "action": self.action,
            "selection": self.selection.to_dict(),
            "expected": self.expected,
            "changes": dict(self.changes),
            "cascade": self.cascade,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> BulkChange:
        """Read what ``to_dict`` wrote.

        Raises:
            QueryError: when this version of the site does not understand the selection any more.
        """
        selection = Selection.from_dict(raw["selection"])
        return cls(raw["action"], selection, raw["expected"], raw["changes"], raw["cascade"])


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What a bulk change led to.

    Attributes:
        rows: how many rows it was about.
        changed: how many of them are others now.
        undo: a token to undo it, or None.
    """

    rows: int
    changed: int
    undo: str | None

    def to_dict(self) -> MutableJSONObject:
        """Write the result as JSON."""
        return {"rows": self.rows, "changed": self.changed, "undo": self.undo}


def check_bulk(access: GridAccess, change: BulkChange) -> None:
    """Judge a bulk change before anything is done: rights, values, and how many rows it is about.

    Raises:
        AccessDeniedError: the user lacks the right.
        EditInvalidError, UnknownColumnError, ColumnNotEditableError: the values can't be given to any row.
        QueryError: the selection can't be understood.
        QueryLimitError: it is over ``BULK_ROWS_MAX``.
        BulkDriftError: it holds another number of rows than the client believes; ``extra["count"]`` says how many.
    """
    access.require(edit=change.action == "update", delete=change.action == "delete")
    require_reason(access)
    alias = write_alias(access)
    if change.action == "update":
        _read_values(access, change, alias)
    most = settings().BULK_ROWS_MAX
    with computable():
        count = change.selection.rows(access, alias).count()
    if count != change.expected:
        raise _drift(count, change)
    if count > most:
        raise QueryLimitError.at(pointer(SELECTION), f"The selection holds {count} rows; at most {most} are allowed.")


def carry_out_bulk(
    access: GridAccess,
    change: BulkChange,
    *,
    progress: Callable[[int], None] | None = None,
    finish: Callable[[BulkResult], None] | None = None,
) -> BulkResult:
    """Carry out a bulk change in one transaction.

    Each row is locked, judged, told of before and after, and saved like one that is edited alone. A row that is
    refused refuses all of it, and so does a selection that changes meanwhile.

    Args:
        access: the grid and the user.
        change: what is wanted.
        progress: told how many rows are done, now and then.
        finish: called at the end of the transaction.

    Raises:
        AccessDeniedError, QueryError: see ``check_bulk``.
        BulkDriftError: the selection holds another number of rows than the client believes.
        EditInvalidError, DeleteProtectedError, DeleteCascadesError, EventRejected: one row is refused;
            ``extra["id"]`` says which.
    """
    access.require(edit=change.action == "update", delete=change.action == "delete")
    require_reason(access)
    if change.selection.query is not None:
        note_use(access, used_columns(access.grid, change.selection.query))
    run = _BulkRun(access, change, progress or (lambda _done: None))
    alias = write_alias(access)
    try:
        with through_grid(access.grid_id, access.options.model), transaction.atomic(using=alias):
            result = run.carry_out()
            if finish is not None:
                finish(result)
    except BulkDriftError as error:
        # Counted when all is as it was before: half of the change may have taken rows out of the selection.
        raise _drift(change.selection.rows(access, alias).count(), change) from error
    return result


class _BulkRun:
    """One bulk change on its way."""

    def __init__(self, access: GridAccess, change: BulkChange, progress: Callable[[int], None]) -> None:
        self._access = access
        self._change = change
        self._progress = progress
        self._alias = write_alias(access)
        self._values = _read_values(access, change, self._alias) if change.action == "update" else {}
        self._layout = RowLayout(access, access.columns, zone_of(access))
        self._selected = change.selection.rows(access, self._alias)
        self._first = self._selected.order_by("pk").values_list("pk", flat=True).first()
        self._spool = CommittedSpool(access.grid, self._alias)
        self._steps: list[Step] | None = []
        self._changed = 0
        self._is_told = False

    def carry_out(self) -> BulkResult:
        """Change chunk by chunk, in the order of the keys."""
        if self._first is not None:
            # The first statement writes: what SQLite reads after it can't be stale.
            lock_rows(self._access, [self._first], self._alias, delete=self._deletes)
        done = 0
        keys = self._keys_after(None)
        while keys:
            done += len(keys)
            self._require(done <= self._change.expected)
            self._chunk(keys)
            self._progress(done)
            keys = self._keys_after(keys[-1])
        self._require(done == self._change.expected)
        return BulkResult(done, self._changed, keep_undo(self._access, self._steps or []))

    def _require(self, holds: bool) -> None:
        """Stop when the selection is not what the client believes it to be.

        Raises:
            BulkDriftError: when ``holds`` is false.
        """
        if not holds:
            raise _drift(0, self._change)

    @property
    def _deletes(self) -> bool:
        return self._change.action == "delete"

    def _keys_after(self, last: Any) -> list[Any]:
        rows = self._selected if last is None else self._selected.filter(pk__gt=last)
        return list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK])

    def _chunk(self, keys: Sequence[Any]) -> None:
        instances = lock_rows(self._access, keys, self._alias, delete=self._deletes)
        # What somebody else did while we waited for the locks may have changed what is selected.
        self._require(self._selected.filter(pk__in=keys).count() == len(keys))
        before = self._before(instances)
        outcomes = self._delete(instances, before) if self._deletes else self._update(instances, before)
        for outcome in outcomes:
            self._note(outcome)

    def _update(self, instances: Sequence[models.Model], before: Mapping[Any, Row]) -> list[Outcome]:
        updates = [self._judged(instance, before[instance.pk]) for instance in instances]
        changing = [update for update in updates if update.draft.changed_fields]
        for update in changing:
            with _about(update.before):
                update.tell_before(self._part())
        left = set(save_together([update.draft for update in changing], self._alias))
        for update in changing:
            if update.draft in left:
                with _about(update.before):
                    update.save()
        now = self._read([update.draft.instance.pk for update in changing])
        outcomes = []
        for update in changing:
            with _about(update.before):
                if update.draft.instance.pk not in now:
                    raise out_of_sight(CHANGES)
                outcomes.append(update.tell_after(now[update.draft.instance.pk]))
        return outcomes

    def _judged(self, instance: models.Model, before: Row) -> RowUpdate:
        with _about(before):
            draft = Draft(self._access, instance, self._values)
            draft.judge()
            return RowUpdate(self._access, self._alias, draft, before, later=self._spool)

    def _delete(self, instances: Sequence[models.Model], before: Mapping[Any, Row]) -> list[Outcome]:
        outcomes = []
        for instance in instances:
            row = before[instance.pk]
            with _about(row):
                deletion = RowDeletion(
                    self._access,
                    self._alias,
                    instance,
                    row,
                    cascade=self._change.cascade,
                    later=self._spool,
                    bulk=self._part(),
                )
                outcomes.append(deletion.carry_out())
        return outcomes

    def _part(self) -> BulkPart:
        """Return what the events of the next row belong to."""
        is_first, self._is_told = not self._is_told, True
        return BulkPart(self._change.expected, tuple(self._values), is_first)

    def _before(self, instances: Sequence[models.Model]) -> Mapping[Any, Row]:
        """Return locked rows as they are, by key; for an update, the columns of their own table are enough."""
        keys = [instance.pk for instance in instances]
        if self._deletes or not shows_held_rows(self._access):
            return self._read(keys)
        return dict(zip(keys, own_rows(self._access, instances), strict=True))

    def _read(self, keys: Sequence[Any]) -> dict[Any, Row]:
        """Return the rows that the user sees, by key."""
        rows = self._access.queryset().using(self._alias).filter(pk__in=keys)
        found = list(rows.values_list(*self._layout.paths))
        found_keys = (self._layout.value(values, self._access.key) for values in found)
        return dict(zip(found_keys, self._layout.rows(found), strict=True))

    def _note(self, outcome: Outcome) -> None:
        self._changed += 1
        if self._steps is None:
            return
        if outcome.step is None or len(self._steps) >= settings().UNDO_ROWS_MAX:
            self._steps = None  # half an undo would be a surprise
        else:
            self._steps.append(outcome.step)


@contextmanager
def _about(row: Row) -> Iterator[None]:
    """Let errors say which row they are about."""
    try:
        yield
    except GridKitError as error:
        error.extra.setdefault("id", row.id)
        raise


def _read_values(access: GridAccess, change: BulkChange, alias: str) -> dict[str, Any]:
    frame = Frame(zone_of(access), connections[alias].vendor)
    values = read_changes(access, change.changes, frame)
    if not values:
        raise EditInvalidError.at(pointer(CHANGES), "A bulk change needs at least one column to change.")
    return values


def _drift(count: int, change: BulkChange) -> BulkDriftError:
    return BulkDriftError(
        f"The selection holds {count} rows, not {change.expected} as expected. Look at it again. Nothing was changed.",
        extra={"count": count, "expected": change.expected},
    )
