"""Legal holds: what must stay whatever its term says. Placing and releasing one is recorded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connections, transaction
from django.db.models import Q
from django.utils import timezone

from gridkit_django.audit.recorder import record
from gridkit_django.audit.targets import Target
from gridkit_django.events import current_act
from gridkit_django.exceptions import AuditRetentionError
from gridkit_django.models import AuditHold, AuditRecord


@dataclass(frozen=True, slots=True)
class HoldScope:
    """Which records a hold keeps. What is left empty fits everything.

    Attributes:
        target_type: type of the target, ``app_label.model`` for rows.
        target_id: its id.
        actor_id: who acted, also in somebody else's name.
        since: records from this moment on.
        until: records before this moment.
    """

    target_type: str = ""
    target_id: str = ""
    actor_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = HoldScope()


def place_hold(name: str, reason: str, scope: HoldScope = EVERYTHING, *, using: str = "default") -> AuditHold:
    """Keep every record of a scope, until the hold is released.

    Args:
        name: what it is called, for example the number of a case.
        reason: why.
        scope: which records.
        using: alias of the database of the records.

    Raises:
        AuditRetentionError: without a name or a reason, or for a time that ends before it begins.
    """
    if not name or not reason:
        raise AuditRetentionError("A hold needs a name and a reason: somebody will ask in some years.")
    if scope.since and scope.until and scope.until <= scope.since:
        raise AuditRetentionError("The hold ends before it begins.")
    told = {**asdict(scope), "target_type": scope.target_type.lower()}
    with transaction.atomic(using=using):
        by = current_act().actor.label[:200]
        hold = AuditHold.objects.using(using).create(name=name, reason=reason, created_by=by, **told)
        target = Target("audit-hold", str(hold.pk), name)
        record("audit.hold", target=target, evidence={"reason": reason, **told}, using=using)
    return hold


def release_hold(hold: AuditHold) -> None:
    """Let the records of a hold go by their terms again. A hold that was released stays so."""
    with transaction.atomic(using=hold._state.db):
        row = AuditHold.objects.using(hold._state.db).select_for_update().get(pk=hold.pk)
        if row.released_at is None:
            row.released_at = hold.released_at = timezone.now()
            row.save(update_fields=["released_at"])
            record("audit.release", target=Target("audit-hold", str(row.pk), row.name), using=row._state.db)


def held(using: str = "default") -> Q | None:
    """Return the condition that a record is under a hold, or None when no hold stands."""
    found: Q | None = None
    for _hold, condition in holds_over(using):
        found = condition if found is None else found | condition
    return found


def kept_by(hold: AuditHold, most: int) -> int:
    """Return how many of the stored records a hold keeps, or one more than ``most`` where there are more.

    Args:
        hold: which.
        most: how many are counted.
    """
    kept = AuditRecord.objects.using(hold._state.db).order_by().filter(_fits(hold))
    return len(kept.values_list("pk", flat=True)[: most + 1])


def await_holds(using: str) -> None:
    """Wait for the holds that are being placed, and let none be placed until the end of the transaction under way.

    SQLite lets one transaction write at a time, so there the first write of the transaction does the same.
    """
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(AuditHold._meta.db_table)} IN SHARE MODE")


def holds_over(using: str = "default") -> list[tuple[AuditHold, Q]]:
    """Return each hold that stands, with the condition that a record is under it."""
    return [(hold, _fits(hold)) for hold in AuditHold.objects.using(using).filter(released_at=None).order_by("pk")]


def _fits(hold: AuditHold) -> Q:
    wanted = {
        "target_type": hold.target_type,
        "target_id": hold.target_id,
        "occurred_at__gte": hold.since,
        "occurred_at__lt": hold.until,
    }
    chosen = Q(**{name: value for name, value in wanted.items() if value})
    if hold.actor_id:
        chosen &= Q(actor_id=hold.actor_id) | Q(operation__impersonator_id=hold.actor_id)
    return chosen or Q(pk__gte=-(2**63))
