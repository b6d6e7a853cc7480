"""Reading the audit trail."""

from __future__ import annotations

from gridkit_django.audit.targets import Target
from gridkit_django.events import Actor
from gridkit_django.models import AuditRecord
from gridkit_django.models.append_only import AppendOnlyQuerySet


class AuditTrail:
    """The records of this site, newest first.

    It gives every record whole: what a reader may see of them is judged above (``gridkit_django.grids.disclosure``).
    """

    def history_of(self, target: Target) -> AppendOnlyQuerySet[AuditRecord]:
        """Return the records of one target; its label plays no part."""
        return self.all().filter(target_type=target.type, target_id=target.id)

    def acts_of(self, actor: Actor) -> AppendOnlyQuerySet[AuditRecord]:
        """Return the records of one actor; the label plays no part."""
        return self.all().filter(actor_kind=actor.kind.value, actor_id=actor.id)

    def caused_by(self, correlation_id: str) -> AppendOnlyQuerySet[AuditRecord]:
        """Return the records of one request or task and of all that it caused."""
        return self.all().filter(operation__correlation_id=correlation_id)

    def all(self) -> AppendOnlyQuerySet[AuditRecord]:
        """Return every record, newest first."""
        return AuditRecord.objects.get_queryset().order_by("-pk")
