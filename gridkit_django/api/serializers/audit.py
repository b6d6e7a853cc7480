"""Audit records on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gridkit_django.api.serializers.bodies import ResponseBody
from gridkit_django.grids.disclosure import RecordGate
from gridkit_django.models import AuditRecord


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

    @classmethod
    def of_record(cls, record: AuditRecord, gate: RecordGate) -> AuditEntry:
        """Describe a record through the gate of its reader."""
        return cls(
            id=str(record.uuid),
            action=record.action,
            actor=AuditActor(kind=record.actor_kind, id=record.actor_id, label=record.actor_label),
            target=AuditTarget(type=record.target_type, id=record.target_id, label=gate.label_of(record)),
            grid=record.grid,
            changes=gate.changes_of(record),
            context=gate.context_of(record),
            occurred_at=record.occurred_at,
        )


class AuditPage(ResponseBody):
    """A page of the audit trail, newest first."""

    results: list[AuditEntry]
    next: str | None
    previous: str | None
