"""A row as it was, put together from its records; what they can't tell is said, not guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from django.apps import apps
from django.db import models, router

from gridkit_django.audit.policies import audit_policies
from gridkit_django.audit.targets import ModelClass, Target
from gridkit_django.audit.trail import AuditTrail
from gridkit_django.audit.values import json_value
from gridkit_django.exceptions import AuditError
from gridkit_django.models import AuditRecord
from gridkit_django.typing import JSONValue

_WITHHELD = re.compile(r"\*\*\*|\*\*\*@.*|\*\*\*.{4}|.\*\*\*|\d{4}-\*\*\*|.*[.:]\*\*\*", re.DOTALL)
"""What masks leave of a value, see ``gridkit_django.audit.masks``."""

Changes: TypeAlias = Callable[[AuditRecord], Mapping[str, Any]]
"""Tells the changes of a record, as far as a reader may see them."""

_NO_CHANGE = frozenset({"row.view", "row.values"})
"""Looks, and encrypted values of changes that have records of their own."""

_CREATED = "row.create"
_DELETED = "row.delete"


@dataclass(frozen=True, slots=True)
class RowState:
    """A row at a moment.

    Attributes:
        exists: whether there was such a row; None when the records can't tell.
        values: field to value, as JSON.
        unknown: fields whose values are not known, because they are masked or encrypted.
        certain: whether the records vouch for all of it.
        why: what is not certain and why, for a person; empty when everything is.
        record: the last record at or before the moment, or None.
    """

    exists: bool | None
    values: Mapping[str, JSONValue] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    certain: bool = True
    why: str = ""
    record: AuditRecord | None = None


def state_at(model: ModelClass, pk: Any, moment: datetime, using: str | None = None) -> RowState:
    """Return a row as it was.

    The records of the row are followed from its creation on. Where the trail does not go back that far, the row of
    today (or the last values of a deleted one) is taken and what was recorded since is taken back. Before the first
    record nothing is known.

    Args:
        model: the row's model.
        pk: its primary key.
        moment: when, aware.
        using: alias of the database of the row, which is that of its records; the router's choice when None.

    Raises:
        AuditError: when the moment is naive.
    """
    using = using or router.db_for_read(model)
    if moment.tzinfo is None:
        raise AuditError("A moment without a time zone could be any of many. Give an aware datetime.")
    history = AuditTrail().history_of(Target.of_row(model, pk)).using(using).order_by("pk")
    records = list(history.filter(action__startswith="row."))
    return with_parents(model._meta.label_lower, state_of(records, moment, _today(model, pk, using)))


def state_of(
    records: Sequence[AuditRecord],
    moment: datetime,
    today: Mapping[str, Any] | None,
    changes: Changes = lambda record: record.changes,
) -> RowState:
    """Return a row as its records tell it.

    Args:
        records: all records of the row, oldest first.
        moment: when.
        today: the values of the row as it is now by field, as JSON; None when it is no more.
        changes: tells the changes of a record, as far as the reader may see them.
    """
    written = [record for record in records if record.action.startswith("row.") and record.action not in _NO_CHANGE]
    if not written:
        return RowState(None, certain=False, why="No change of this row has been recorded.")
    # The key tells what came after what: clocks go back.
    cut = max((place for place, record in enumerate(written) if record.occurred_at <= moment), default=-1)
    past, later = written[: cut + 1], written[cut + 1 :]
    if not past:
        return _before_all(later[0])
    created = max((place for place, record in enumerate(past) if record.action == _CREATED), default=None)
    if past[-1].action == _DELETED:
        return RowState(exists=False, record=past[-1])
    if created is not None:
        return _told(_forward(past[created:], changes), past[-1])
    return _backward(past, later, today, changes)


def with_parents(target_type: str, state: RowState) -> RowState:
    """Return a state that says which fields it lacks because they are recorded under a parent that is followed itself.

    Args:
        target_type: the row's model as ``app_label.model``, which may be gone.
        state: of the row.
    """
    try:
        fields = apps.get_model(target_type)._meta.concrete_fields if state.exists else []
    except (LookupError, ValueError):
        return state
    known, table = state.values.keys() | state.unknown, audit_policies().table
    lacking = [(item.name, item.model._meta.label_lower) for item in fields if item.name not in known]
    lead = {item.name for item in fields if item.primary_key}
    apart = {name: label for name, label in lacking if label != target_type and name not in lead}
    apart = {name: label for name, label in apart.items() if table.effective(label) is not None}
    if not apart:
        return state
    told = f"Recorded under {', '.join(sorted(set(apart.values())))}, where to look for it: {', '.join(apart)}."
    return replace(state, certain=False, why=f"{state.why} {told}".strip())


def _before_all(first: AuditRecord) -> RowState:
    if first.action == _CREATED:
        return RowState(exists=False)
    begins = first.occurred_at.isoformat(timespec="seconds")
    return RowState(None, certain=False, why=f"The records of this row begin at {begins}; nothing is known before.")


def _forward(records: Sequence[AuditRecord], changes: Changes) -> dict[str, Any]:
    """Follow a row from its creation on."""
    values: dict[str, Any] = {}
    for record in records:
        values.update({name: pair[1] for name, pair in changes(record).items()})
    return values


def _backward(
    past: Sequence[AuditRecord], later: Sequence[AuditRecord], today: Mapping[str, Any] | None, changes: Changes
) -> RowState:
    """Take back what was recorded since, from the next point at which the whole row is known."""
    end = next((place for place, record in enumerate(later) if record.action == _DELETED), None)
    since = later if end is None else later[: end + 1]
    if end is None and today is None:
        known = _forward(past, changes)
        why = "The row is gone and its deletion was not recorded; only fields that were changed before are known."
        return _told(known, past[-1], why)
    values = dict(today or {}) if end is None else {}
    for record in reversed(since):
        values.update({name: pair[0] for name, pair in changes(record).items()})
    # What was recorded up to the moment outdoes what is concluded from later on.
    values.update(_forward(past, changes))
    why = "" if end is not None else "Its creation was not recorded: fields without a record are as they are today."
    return _told(values, past[-1], why)


def _told(values: Mapping[str, Any], record: AuditRecord, why: str = "") -> RowState:
    unknown = frozenset(name for name, value in values.items() if is_withheld(value))
    known = {name: value for name, value in values.items() if name not in unknown}
    return RowState(exists=True, values=known, unknown=unknown, certain=not (why or unknown), why=why, record=record)


def is_withheld(value: Any) -> bool:
    """Whether a value of a record was masked or encrypted."""
    if isinstance(value, str):
        return _WITHHELD.fullmatch(value) is not None
    return isinstance(value, Mapping) and set(value) == {"$enc"}


def _today(model: ModelClass, pk: Any, using: str | None) -> dict[str, JSONValue] | None:
    row = model._base_manager.using(using).filter(pk=pk).first()
    return None if row is None else row_values(row)


def row_values(row: models.Model) -> dict[str, JSONValue]:
    """Return the stored values of a row by field, as records keep them."""
    return {item.name: stored_value(item, item.value_from_object(row)) for item in row._meta.concrete_fields}


def stored_value(item: Any, value: Any) -> JSONValue:
    """Return a value of a field as records keep it: decimals at the scale of their column, files by their names."""
    if isinstance(item, models.DecimalField) and value is not None and item.decimal_places is not None:
        return f"{value:.{item.decimal_places}f}"
    if isinstance(value, datetime) and value.tzinfo is not None:
        return json_value(value.astimezone(UTC))
    return json_value(value)
