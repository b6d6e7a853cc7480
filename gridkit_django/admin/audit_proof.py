"""What is proven of one record: whether it has a seal, and whether it is still what was sealed."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from gridkit_django.audit.verify import verify_seals_of
from gridkit_django.models import AuditRecord, AuditSeal

_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class RecordProof:
    """What is shown of it.

    Attributes:
        look: kind of the badge, ``good``, ``bad`` or ``plain``.
        text: the badge.
        seal: the seal over the record, None before it has one.
        faults: what is wrong with the record or its seal.
    """

    look: str
    text: str
    seal: AuditSeal | None
    faults: tuple[str, ...] = ()


def proof_of(record: AuditRecord) -> RecordProof:
    """Verify the seal over a record, just now; the rest of the chain is looked at by a verification.

    Args:
        record: as it is stored.
    """
    using = record._state.db or "default"
    result = verify_seals_of([record.pk], using, _SECONDS)
    if not result.last_seal:
        return RecordProof("plain", _("not sealed yet"), None)
    seal = AuditSeal.objects.using(using).filter(number=result.last_seal).only("number", "sealed_at").first()
    faults = tuple(fault.detail for fault in result.faults if fault.record in (None, record.pk))
    if faults:
        return RecordProof("bad", _("something is wrong"), seal, faults)
    return RecordProof("good", _("as it was sealed"), seal)
