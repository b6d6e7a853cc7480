"""How the audit trail is, on the wire."""

from __future__ import annotations

from datetime import datetime

from gridkit_django.api.serializers.bodies import ResponseBody
from gridkit_django.audit.health import Backlog, TrailHealth


class AuditBacklog(ResponseBody):
    """What one destination lacks."""

    name: str
    state: str
    """``ready``, ``waiting``, ``parked`` or ``paused``."""
    records: int
    last_success_at: datetime | None

    @classmethod
    def of(cls, item: Backlog) -> AuditBacklog:
        """Describe a destination."""
        return cls(name=item.name, state=item.state, records=item.records, last_success_at=item.last_success_at)


class AuditVerified(ResponseBody):
    """The newest verification that came to an end."""

    finished_at: datetime | None
    seals: int
    records: int
    faults: int


class AuditTrailHealth(ResponseBody):
    """The trail of one database."""

    database: str
    unsealed: int
    """Records without a seal, counted up to 10,000."""
    unsealed_since: datetime | None
    """When the oldest of them was written."""
    is_late: bool
    """Whether it has waited longer than ``AUDIT_UNSEALED_SECONDS``."""
    seals: int
    sealed: int
    """Records that were ever sealed."""
    sealed_at: datetime | None
    gaps: int
    """Records that tell of changes without a record, at most 1,000."""
    verified: AuditVerified | None
    partition_faults: list[str]
    """What is to be seen to with the partitions of the record table, each as a sentence."""
    destinations: list[AuditBacklog]
    """Empty for readers without ``view_auditdestination``."""

    @classmethod
    def of(cls, trail: TrailHealth, *, with_destinations: bool) -> AuditTrailHealth:
        """Describe a trail.

        Args:
            trail: its figures.
            with_destinations: whether the reader may see where records are sent.
        """
        ended = trail.verified
        told = ended and AuditVerified(
            finished_at=ended.finished_at, seals=ended.seals, records=ended.records, faults=ended.fault_count
        )
        return cls(
            database=trail.alias,
            unsealed=trail.unsealed,
            unsealed_since=trail.oldest,
            is_late=trail.is_late,
            seals=trail.seals,
            sealed=trail.sealed,
            sealed_at=trail.sealed_at,
            gaps=trail.gaps,
            verified=told or None,
            partition_faults=list(trail.partition_faults),
            destinations=[AuditBacklog.of(item) for item in trail.backlogs] if with_destinations else [],
        )


class AuditHealthAnswer(ResponseBody):
    """The trails of the site."""

    trails: list[AuditTrailHealth]
