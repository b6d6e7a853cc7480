"""Audit records on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.api.serializers.edits import Reason
from gridkit_django.api.serializers.rows import Row
from gridkit_django.audit.state import RowState
from gridkit_django.grids.audit_reading import SeenRecord
from gridkit_django.grids.reverting import RevertResult


class AuditActor(ResponseBody):
    """Who acted."""

    kind: str
    id: str
    label: str


class AuditTarget(ResponseBody):
    """What it was done to."""

    type: str
    id: str
    label: str


class AuditEntry(ResponseBody):
    """One act, as far as the reader may see it."""

    id: str
    action: str
    actor: AuditActor
    target: AuditTarget
    grid: str
    changes: dict[str, Any]
    """Column or field to ``[before, after]``; columns that the reader may not see are left out."""
    context: dict[str, Any]
    """Source, correlation id, request id, address and evidence."""
    occurred_at: datetime

    act: str
    """Id of the act that it belongs to: what was done at once, for one reason."""

    @classmethod
    def of_seen(cls, seen: SeenRecord) -> AuditEntry:
        """Describe a record as its reader may see it."""
        record = seen.record
        return cls(
            id=str(record.uuid),
            action=record.action,
            actor=AuditActor(kind=record.actor_kind, id=record.actor_id, label=record.actor_label),
            target=AuditTarget(type=record.target_type, id=record.target_id, label=seen.label),
            grid=record.grid,
            changes=dict(seen.changes),
            context=dict(seen.context),
            occurred_at=record.occurred_at,
            act=str(record.operation_id),
        )


class AuditPage(ResponseBody):
    """A page of the audit trail, newest first."""

    results: list[AuditEntry]
    next: str | None
    previous: str | None


class RevertRequest(RequestBody):
    """Why a change is taken back."""

    reason: Reason = ""
    """For the audit trail; without one it names the record."""


class RevertAnswer(ResponseBody):
    """What taking a change back led to."""

    row: Row | None
    """The row as it is now; null when it is no more."""
    changed: list[str]
    """Columns whose values differ now."""
    undo: str | None
    """Post it to `undo/` of the grid to undo this; null when that can't be done."""


class RowStateAnswer(ResponseBody):
    """A row as it was."""

    at: datetime
    exists: bool | None
    """Whether there was such a row; null when the records can't tell."""
    values: dict[str, Any]
    """Field to value."""
    unknown: list[str]
    """Fields whose values were masked or encrypted."""
    certain: bool
    """Whether the records vouch for all of it."""
    why: str
    """What is not certain and why."""
    record: str | None
    """Id of the last record at or before the moment."""

    @classmethod
    def of_state(cls, state: RowState, at: datetime) -> RowStateAnswer:
        """Describe a row as it was."""
        return cls(
            at=at,
            exists=state.exists,
            values=dict(state.values),
            unknown=sorted(state.unknown),
            certain=state.certain,
            why=state.why,
            record=None if state.record is None else str(state.record.uuid),
        )


def revert_body(result: RevertResult) -> dict[str, Any]:
    """Return the answer to taking a change back."""
    row = None if result.row is None else result.row.to_dict()
    return {"row": row, "changed": list(result.changed), "undo": result.undo}
