"""Verifying the seals of a few records, while somebody waits for the answer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from gridkit_django.audit.mac import mac_keys
from gridkit_django.audit.receipts import Removed
from gridkit_django.audit.sealing.statement import digest_of, statement_of
from gridkit_django.audit.signing import TrustedKeys
from gridkit_django.audit.verify.batches import BatchCheck
from gridkit_django.audit.verify.chain import ChainCheck, Link
from gridkit_django.audit.verify.faults import Verification
from gridkit_django.models import AuditSeal


def verify_seals_of(ids: Iterable[int], alias: str, seconds: float) -> Verification:
    """Verify the seals over some records, each against the one before it; the rest of the chain is not looked at.

    Args:
        ids: of the records.
        alias: of the database.
        seconds: begin no further seal after this.

    Returns:
        What was found; ``seals`` tells how many were looked at.
    """
    result, trusted = Verification(alias), TrustedKeys.of_site()
    batches = BatchCheck(result, mac_keys(), lambda around: Removed.of(alias, trusted, around))
    end = time.monotonic() + seconds
    for seal in _seals_over(ids, alias):
        chain = ChainCheck(result, trusted, _before(seal, alias))
        if chain.follow(seal):
            batches.check(seal)
        if time.monotonic() > end:
            break
    return result


def _seals_over(ids: Iterable[int], alias: str) -> Iterator[AuditSeal]:
    """Yield each seal that holds one of the records; spans of seals may lie in each other."""
    left = set(ids)
    seals = AuditSeal.objects.using(alias)
    while left:
        wanted = max(left)
        left.discard(wanted)
        for seal in seals.filter(last_id__gte=wanted, first_id__lte=wanted).order_by("last_id").defer("waiting"):
            if any(first <= wanted <= last for first, last in seal.spans):
                left = {pk for pk in left if not any(first <= pk <= last for first, last in seal.spans)}
                yield seal
                break


def _before(seal: AuditSeal, alias: str) -> Link:
    """Return what the seal before says; a damaged one is told by a verification of the whole chain."""
    found = AuditSeal.objects.using(alias).filter(number=seal.number - 1).first()
    if found is None:
        return Link(seal.number - 1)
    return Link(found.number, digest_of(statement_of(found)), found.total)
