"""Changing values of a locked row: judged, told before, saved, told after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gridkit_django.events import BulkPart, event_bus, make_event
from gridkit_django.events.bus import Emission, Later
from gridkit_django.exceptions import VersionConflictError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.changes import CHANGES
from gridkit_django.grids.drafts import Draft
from gridkit_django.grids.locking import lock_row
from gridkit_django.grids.outcomes import Outcome, read_again
from gridkit_django.grids.records import get_record, held_row
from gridkit_django.grids.rows import Row
from gridkit_django.grids.steps import Step, frozen
from gridkit_django.grids.versions import RowVersions
from gridkit_django.grids.zones import zone_of


class RowUpdate:
    """One update on its way, from its judged draft to its outcome.

    Call ``tell_before``, ``save`` and ``tell_after`` in this order, inside one transaction; whoever updates many rows
    may do each for all of them.

    Args:
        access: the grid and the user.
        alias: the database.
        draft: the row with its new values, judged.
        before: the row as it was.
        later: takes the events that are to be told after the commit; None lets the commit tell them.
    """

    def __init__(self, access: GridAccess, alias: str, draft: Draft, before: Row, *, later: Later = None) -> None:
        self.before = before
        self._later = later
        self.draft = draft
        self._access = access
        self._alias = alias
        zone = zone_of(access)
        wished = {name: access.column(name).to_wire(value, zone) for name, value in draft.changed.items()}
        self._changes = {name: [before.data[name], new] for name, new in wished.items()}
        fields = draft.changed_fields
        self._fields = fields
        self._old = self._old_values() if fields else {}
        self._emissions: tuple[Emission, ...] = ()

    def tell_before(self, bulk: BulkPart | None = None) -> None:
        """Tell of the row, then of its cells; each may be vetoed.

        Args:
            bulk: the bulk change that this is a part of.
        """
        row = self._open("row:update", bulk, changes=self._changes, versionBefore=self.before.version)
        self._emissions = (row, *self._cells(bulk))
        for emission in self._emissions:
            emission.before()

    def _cells(self, bulk: BulkPart | None) -> Iterator[Emission]:
        for name, (old, new) in self._changes.items():
            yield self._open("cell:edit", bulk, column=name, old=old, new=new)
            bulk = bulk and replace(bulk, is_first=False)

    def save(self) -> None:
        """Write the row. When it is refused, the transaction can only be rolled back (to the caller's savepoint).

        Raises:
            EditInvalidError: when the model or the database refuses.
        """
        self.draft.save(self._alias)

    def tell_after(self, row: Row) -> Outcome:
        """Tell what has become of the row.

        Args:
            row: the row as it is now.
        """
        update, *cells = self._emissions
        changes = {name: [self.before.data[name], row.data[name]] for name in self._changes}
        update.after(changes=changes, version=row.version)
        for name, emission in zip(self._changes, cells, strict=True):
            emission.after(new=row.data[name])
        return self._outcome(row)

    def _outcome(self, row: Row) -> Outcome:
        instance = self.draft.instance
        new, asked = frozen(instance, self._fields), tuple(self.draft.asked)
        step = Step("update", str(instance.pk), before=self._old, after=new, asked=asked)
        return Outcome("update", instance.pk, row.id, self.before, row, tuple(self._changes), step)

    def _old_values(self) -> dict[str, Any]:
        """Return the stored values of the changed fields, as JSON."""
        twin = type(self.draft.instance)()
        for field in self._fields:
            setattr(twin, field.attname, self.draft.stored[field.attname])
        return frozen(twin, self._fields)

    def _open(self, event_type: str, bulk: BulkPart | None, **payload: Any) -> Emission:
        event = make_event(event_type, {"rowId": str(self.before.id), **payload}, grid=self._access.grid_id, bulk=bulk)
        return event_bus().open(event, sender=self._access.grid, using=self._alias, later=self._later)


def update_row(
    access: GridAccess, alias: str, key: Any, values: Mapping[str, Any], version: str, yours: Mapping[str, Any]
) -> Outcome:
    """Change values of one row, inside the caller's transaction. When no value differs, nothing is written or told.

    Args:
        access: the grid and the user, whose right was asked.
        alias: the database.
        key: the primary key.
        values: column id to Python value, read by ``read_changes``.
        version: the version that the edit was made from.
        yours: the values as they were sent, for the refusal.

    Raises:
        RecordNotFoundError: there is no such row, or the user may not see it.
        VersionConflictError: one of the columns has changed since.
        EditInvalidError: the model or the database refuses, or the row would leave the user's sight.
        EventRejected: a handler vetoed.
    """
    instance = lock_row(access, key, alias)
    before = held_row(access, instance, alias)
    if before.version != version:
        both = _both_changed(access, before, version, values)
        if both is None or both:
            raise conflict(_whole(access, before, key, alias), yours, both or frozenset())
    return carry_out(access, alias, Draft(access, instance, values), before)


def carry_out(access: GridAccess, alias: str, draft: Draft, before: Row) -> Outcome:
    """Judge, tell and save a draft.

    Args:
        access: the grid and the user.
        alias: the database.
        draft: the row with its new values.
        before: the row as it was, at least with the columns of its own table.

    Raises:
        EditInvalidError: the model or the database refuses, or the row would leave the user's sight.
        EventRejected: a handler vetoed.
    """
    draft.judge()
    key, fields = draft.instance.pk, draft.changed_fields
    if not fields or any(field.is_relation for field in fields):
        before = _whole(access, before, key, alias)
    if not fields:
        return Outcome("update", key, before.id, before, before, (), None)
    update = RowUpdate(access, alias, draft, before)
    update.tell_before()
    update.save()
    return update.tell_after(read_again(access, key, alias, CHANGES))


def conflict(current: Row, yours: Mapping[str, Any], columns: frozenset[str] = frozenset()) -> VersionConflictError:
    """Make the refusal of an edit whose row has moved on.

    Args:
        current: the row as it is now.
        yours: the values that were sent.
        columns: ids of the columns that both have changed, as far as that is known.
    """
    return VersionConflictError(
        "Somebody has changed this row since you read it. Compare it with yours, and edit again from its version.",
        extra={"current": current.to_dict(), "yours": dict(yours), "columns": sorted(columns)},
    )


def _whole(access: GridAccess, row: Row, key: Any, alias: str) -> Row:
    """Return a row with what stands behind its foreign keys, before anything is written."""
    return row if row.data.keys() == access.by_id.keys() else get_record(access, key, using=alias)


def _both_changed(access: GridAccess, current: Row, version: str, values: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the columns that an edit names and that somebody has changed since its version; None when none tells."""
    theirs = access.kept(RowVersions, lambda: RowVersions(access)).changed_between(version, current.version)
    if theirs is None:
        return None
    fields = {access.column(name).field.name for name in values}
    return frozenset(name for name in theirs if access.column(name).field.name in fields)
