"""Deleting rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, models, transaction

from gridkit_django.audit import through_grid
from gridkit_django.events import BulkPart, event_bus, make_event
from gridkit_django.events.bus import Later
from gridkit_django.exceptions import DeleteProtectedError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.cascades import Cascade, cascade_of, require_consent
from gridkit_django.grids.editing import require_version
from gridkit_django.grids.keeping import keep_undo
from gridkit_django.grids.locking import lock_row, write_alias
from gridkit_django.grids.outcomes import Outcome
from gridkit_django.grids.reasons import require_reason
from gridkit_django.grids.records import get_record, read_key
from gridkit_django.grids.rows import Row
from gridkit_django.grids.steps import Step, frozen, stored_fields
from gridkit_django.grids.updating import conflict
from gridkit_django.typing import JSONValue, MutableJSONObject


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """What a deletion led to.

    Attributes:
        id: the primary key of the row that is no more, in its wire form.
        undo: a token to undo it, or None: what took other rows along can't be undone.
    """

    id: JSONValue
    undo: str | None


def delete_row(
    access: GridAccess, pk: Any, version: str, *, cascade: bool = False, undoable: bool = False
) -> DeleteResult:
    """Delete one row.

    In one transaction: the row is locked and its version compared, what would go along is found out; ``row:delete`` is
    told before (handlers may veto), the row is deleted, and it is told after and as committed.

    Args:
        access: the grid and the user.
        pk: the row's primary key, as it stands in the address.
        version: the version of the row that the user saw.
        cascade: whether other rows that depend on this one may go along.
        undoable: whether a token to undo it is kept for the user.

    Raises:
        AccessDeniedError: the user may not delete rows of this grid.
        VersionRequiredError: ``version`` is empty.
        RecordNotFoundError: there is no such row, or the user may not see it: the same answer.
        VersionConflictError: the row has moved on; ``extra`` holds ``current``.
        DeleteProtectedError: other rows need it, or would go along and the user may not delete them.
        DeleteCascadesError: other rows would go along, and ``cascade`` is false.
        EventRejected: a handler vetoed.
    """
    access.require(delete=True)
    require_reason(access)
    require_version(version)
    alias = write_alias(access)
    key = read_key(access, pk)
    with through_grid(access.grid_id, access.options.model), transaction.atomic(using=alias):
        outcome = remove_row(access, alias, key, version, cascade=cascade)
        steps = [outcome.step] if undoable and outcome.step is not None else []
        return DeleteResult(outcome.id, keep_undo(access, steps))


def remove_row(access: GridAccess, alias: str, key: Any, version: str | None, *, cascade: bool) -> Outcome:
    """Delete one row inside the caller's transaction.

    Args:
        access: the grid and the user, whose right was asked.
        alias: the database.
        key: the primary key.
        version: the version that the user saw; None for whatever it is.
        cascade: whether other rows may go along.

    Raises:
        RecordNotFoundError, VersionConflictError, DeleteProtectedError, DeleteCascadesError, EventRejected: see
            ``delete_row``.
    """
    instance = lock_row(access, key, alias, delete=True)
    before = get_record(access, key, using=alias)
    if version is not None and before.version != version:
        raise conflict(before, {})
    return RowDeletion(access, alias, instance, before, cascade=cascade).carry_out()


class RowDeletion:
    """One deletion on its way.

    Args:
        access: the grid and the user.
        alias: the database.
        instance: the locked row.
        before: the row as the user saw it.
        cascade: whether other rows may go along.
        later: takes the events that are to be told after the commit; None lets the commit tell them.
        bulk: the bulk change that this is a part of.
    """

    def __init__(
        self,
        access: GridAccess,
        alias: str,
        instance: models.Model,
        before: Row,
        *,
        cascade: bool,
        later: Later = None,
        bulk: BulkPart | None = None,
    ) -> None:
        self._access = access
        self._later = later
        self._bulk = bulk
        self._alias = alias
        self._instance = instance
        self._before = before
        self._cascade = cascade

    def carry_out(self) -> Outcome:
        """Find out what goes along, tell before, delete, tell after.

        Raises:
            DeleteProtectedError, DeleteCascadesError, EventRejected: see ``delete_row``.
        """
        found = cascade_of(self._access, self._instance, self._alias)
        require_consent(found, given=self._cascade)
        key, step = self._instance.pk, self._step(found)
        payload: MutableJSONObject = {"rowId": str(self._before.id), "values": self._before.data}
        event = make_event("row:delete", payload, grid=self._access.grid_id, bulk=self._bulk)
        emission = event_bus().open(event, sender=self._access.grid, using=self._alias, later=self._later)
        emission.before()
        self._delete()
        emission.after()
        return Outcome("delete", key, self._before.id, self._before, None, (), step)

    def _step(self, found: Cascade) -> Step | None:
        """Return what makes the row anew; a row that took others along would come back without them."""
        if not found.alone:
            return None
        values = frozen(self._instance, stored_fields(type(self._instance)))
        return Step("delete", str(self._instance.pk), before=values)

    def _delete(self) -> None:
        try:
            with transaction.atomic(using=self._alias):
                self._instance.delete(using=self._alias)
        except (IntegrityError, models.ProtectedError, models.RestrictedError) as error:
            raise DeleteProtectedError(
                "The database keeps the row, because other rows depend on it. Delete or change those first."
            ) from error
