"""What was written into the audit trail while a test ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridkit_django.models import AuditRecord


@dataclass(frozen=True, slots=True)
class Recorded:
    """One audit record, as plain values.

    Attributes:
        action: ``noun.verb``.
        actor: who acted: ``kind:id``.
        target: what it happened to: ``type:id``.
        grid: id of the grid, empty for none.
        changes: field to ``[before, after]``.
        evidence: more facts, among them the plugin that wrote the record.
    """

    action: str
    actor: str
    target: str
    grid: str
    changes: Mapping[str, Sequence[Any]]
    evidence: Mapping[str, Any]


class AuditRecorder:
    """Reads the audit records that were written since it was made."""

    def __init__(self) -> None:
        self._since = _newest()

    def __call__(self, action: str = "") -> tuple[Recorded, ...]:
        """Return the new records, oldest first.

        Args:
            action: only records of this action; empty for all.
        """
        rows = AuditRecord.objects.filter(pk__gt=self._since).order_by("pk")
        return tuple(_described(row) for row in (rows.filter(action=action) if action else rows))

    def by_plugin(self, plugin_id: str) -> tuple[Recorded, ...]:
        """Return the new records that a plugin wrote itself, through its ``context.audit``."""
        return tuple(item for item in self() if item.evidence.get("plugin") == plugin_id)

    def forget(self) -> None:
        """Begin anew: what was written until now is not returned any more."""
        self._since = _newest()


def _newest() -> int:
    newest: int | None = AuditRecord.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


def _described(row: AuditRecord) -> Recorded:
    return Recorded(
        action=row.action,
        actor=f"{row.actor_kind}:{row.actor_id}",
        target=f"{row.target_type}:{row.target_id}",
        grid=row.grid,
        changes=row.changes,
        evidence=row.evidence or {},
    )
