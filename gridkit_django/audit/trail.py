"""Reading the audit trail."""

from __future__ import annotations

from gridkit_django.audit.targets import Target
from gridkit_django.events import Actor
from gridkit_django.models import AuditRecord
from gridkit_django.models.audit import AuditRecordQuerySet


class AuditTrail:
    """The records of this site, newest first.

    It gives every record whole: what a reader may see of them is judged above (``gridkit_django.grids.disclosure``).
    """

    def history_of(self, target: Target) -> AuditRecordQuerySet:
        """Return the records of one target; its label plays no part."""
        return self.all().filter(target_type=target.type, target_id=target.id)

    def acts_of(self, actor: Actor) -> AuditRecordQuerySet:
        """Return the records of one actor; the label plays no part."""
        return self.all().filter(actor_kind=actor.kind.value, actor_id=actor.id)

    def caused_by(self, correlation_id: str) -> AuditRecordQuerySet:
        """Return the records of one request or task and of all that it caused."""
        return self.all().filter(context__correlationId=correlation_id)

    def all(self) -> AuditRecordQuerySet:
        """Return every record, newest first."""
        return AuditRecord.objects.order_by("-occurred_at", "-pk")
