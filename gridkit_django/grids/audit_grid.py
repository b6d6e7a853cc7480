"""The audit trail as a grid of its own: sorted, filtered and exported by the same engine as every other."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from gridkit_django.grids.audit_reading import VIEW_AUDIT
from gridkit_django.grids.columns import TextColumn
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.rights import has_permission
from gridkit_django.models import AuditRecord
from gridkit_django.typing import User


def readable(rows: QuerySet[Any], user: User) -> QuerySet[Any]:
    """Keep the records when the user may read the trail, else none."""
    return rows if has_permission(user, VIEW_AUDIT) else rows.none()


class AuditRecordGrid(Grid):
    """Who did what to what, when and why.

    Register it on your site with ``register(AuditRecordGrid)``. Labels of targets and changes are not in it: what a
    reader may see of those is judged record by record, and a grid judges columns. Those stand in the admin and the API.
    """

    source = TextColumn("operation__source", label="Source")
    reason = TextColumn("operation__reason", label="Reason")
    correlation = TextColumn("operation__correlation_id", label="Correlation id")
    impersonator = TextColumn("operation__impersonator_label", label="Impersonator")

    class Meta:
        model = AuditRecord
        id = "audit"
        label = "Audit trail"
        columns = (
            "occurred_at",
            "actor_label",
            "impersonator",
            "action",
            "target_type",
            "target_id",
            "grid",
            "source",
            "reason",
            "correlation",
        )
        default_sort = ("-occurred_at",)
        search = ("actor_label", "target_type", "target_id", "action")
        row_permission = readable
        track = False
