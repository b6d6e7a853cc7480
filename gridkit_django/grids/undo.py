"""Undoing changes, row by row, as far as nobody has changed the rows since."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from gridkit_django.audit import through_grid
from gridkit_django.exceptions import GridKitError, UndoError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.changes import CHANGES, editable_column
from gridkit_django.grids.creation import carry_out_new
from gridkit_django.grids.deletion import remove_row
from gridkit_django.grids.drafts import Draft, NewDraft
from gridkit_django.grids.keeping import keep_undo, take_undo
from gridkit_django.grids.locking import lock_row, write_alias
from gridkit_django.grids.outcomes import Outcome
from gridkit_django.grids.reasons import require_reason
from gridkit_django.grids.records import get_record, read_key, record_not_found
from gridkit_django.grids.steps import Step, stored_fields, thawed
from gridkit_django.grids.updating import carry_out


@dataclass(frozen=True, slots=True)
class NotUndone:
    """A row that could not be put back.

    Attributes:
        key: its primary key as text.
        error: why.
    """

    key: str
    error: GridKitError


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What an undo led to.

    Attributes:
        outcomes: the rows that were put back.
        failed: those that could not be.
        undo: a token to undo the undoing, or None.
    """

    outcomes: tuple[Outcome, ...]
    failed: tuple[NotUndone, ...]
    undo: str | None


def undo_change(access: GridAccess, token: str) -> UndoResult:
    """Undo an edit, a batch or a bulk change of this user.

    A value goes back to what it was as long as nobody has changed it since; a deleted row is made again under its
    key; a new row is deleted as long as it is as it was made. All of it passes through the same events, judgements and
    rights as the change itself. Rows that can't be put back are named; the others are. The token is used up, unless
    nothing at all could be put back.

    Args:
        access: the grid and the user, who must be the one who made the change.
        token: what the change was answered with.

    Raises:
        UndoError: the token is not valid (any more), or no row could be put back.
        AccessDeniedError: the user has lost the right to what the change did.
    """
    alias = write_alias(access)
    with transaction.atomic():
        steps = take_undo(access, token)
        _require_rights(access, steps)
        with through_grid(access.grid_id, access.options.model), transaction.atomic(using=alias):
            result = _undo_all(access, alias, steps)
        if not result.outcomes:
            raise UndoError(
                "Nothing could be undone: the rows have moved on since.",
                extra={"failed": [{"id": item.key, "code": item.error.code} for item in result.failed]},
            )
    return result


def _require_rights(access: GridAccess, steps: list[Step]) -> None:
    done = {step.op for step in steps}
    access.require(edit="update" in done, create="create" in done, delete="delete" in done)
    require_reason(access)


def _undo_all(access: GridAccess, alias: str, steps: list[Step]) -> UndoResult:
    outcomes: list[Outcome] = []
    failed: list[NotUndone] = []
    for step in steps:
        try:
            with transaction.atomic(using=alias):
                outcomes.append(_UNDO[step.op](access, alias, step))
        except GridKitError as error:
            failed.append(NotUndone(step.key, error))
    kept = [outcome.step for outcome in outcomes if outcome.step is not None]
    return UndoResult(tuple(outcomes), tuple(failed), keep_undo(access, kept))


def _put_back(access: GridAccess, alias: str, step: Step) -> Outcome:
    """Give the fields of an updated row their old values, as long as the user may change what they changed then.

    Raises:
        UnknownColumnError, ColumnNotEditableError: when they may not any more.
        UndoError: when the row has moved on.
    """
    for name in step.asked:
        editable_column(access, name, CHANGES)
    key = read_key(access, step.key)
    instance = lock_row(access, key, alias)
    before = get_record(access, key, using=alias)
    if any(getattr(instance, name) != value for name, value in _thawed(instance, step.after).items()):
        raise UndoError("The values have been changed again since.")
    draft = Draft(access, instance, {}, asked=step.asked)
    draft.restore(_thawed(instance, step.before))
    return carry_out(access, alias, draft, before)


def _make_again(access: GridAccess, alias: str, step: Step) -> Outcome:
    """Make a deleted row again, with its key and every value."""
    model = access.options.model
    instance = model()
    key = read_key(access, step.key)
    if model._base_manager.using(alias).filter(pk=key).exists():
        raise UndoError("There is another row with this key now.")
    draft = OldDraft(access, instance, {})
    draft.restore(_thawed(instance, step.before))
    return carry_out_new(access, alias, draft)


class OldDraft(NewDraft):
    """A row that was there before: times that Django stamps are those of then, and it may be as empty as it was."""

    def _judges(self) -> Sequence[Callable[[], None]]:
        # That a field may not be blank is a rule of forms: the row was stored so.
        empty = {item.name for item in self._fields if getattr(self.instance, item.attname) in item.empty_values}
        return (lambda: self.instance.clean_fields(exclude=empty), *super()._judges()[1:])

    def _write(self, alias: str) -> None:
        times = {item.attname: getattr(self.instance, item.attname) for item in self._fields if is_stamped(item)}
        stamped = {name: value for name, value in times.items() if value is not None}
        super()._write(alias)
        if stamped:
            type(self.instance)._base_manager.using(alias).filter(pk=self.instance.pk).update(**stamped)


def _take_away(access: GridAccess, alias: str, step: Step) -> Outcome:
    """Delete a new row that nobody has changed."""
    return remove_row(access, alias, read_key(access, step.key), step.version, cascade=False)


_UNDO: Mapping[str, Any] = {"update": _put_back, "delete": _make_again, "create": _take_away}


def _thawed(instance: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return Python values by attribute name.

    Raises:
        RecordNotFoundError: when the model has lost a field since.
    """
    fields = {item.attname: item for item in stored_fields(type(instance))}
    if not values.keys() <= fields.keys():
        raise record_not_found()
    return {attname: thawed(fields[attname], raw) for attname, raw in values.items()}


def is_stamped(item: Any) -> bool:
    """Whether Django gives the field a time of its own at each save."""
    return bool(getattr(item, "auto_now", False) or getattr(item, "auto_now_add", False))
