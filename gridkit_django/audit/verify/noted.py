"""Verifications that are noted: how far they are while they run, and what they found afterwards."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from gridkit_django.audit.recorder import record
from gridkit_django.audit.targets import Target
from gridkit_django.audit.verify.database import DatabaseVerifier
from gridkit_django.audit.verify.faults import Verification
from gridkit_django.events import current_act
from gridkit_django.exceptions import AuditError
from gridkit_django.models import AuditSeal, AuditVerification, VerificationState

VERIFY = "audit.verify"
"""The action of the record that a noted verification leaves."""

LOST_AFTER = timedelta(minutes=5)
"""A verification that gave no sign of life for so long has died with its process."""

_TELL_SECONDS = 2.0
_FAULTS_NOTED = 20
_OPEN = (VerificationState.QUEUED, VerificationState.RUNNING)


def request_verification(using: str) -> AuditVerification:
    """Write down that somebody wants the trail verified; one that waits or runs already is taken for it.

    Args:
        using: alias of the database.
    """
    rows = AuditVerification.objects.using(using)
    rows.filter(state__in=_OPEN, requested_at__lt=timezone.now() - LOST_AFTER).exclude(
        seen_at__gte=timezone.now() - LOST_AFTER
    ).update(state=VerificationState.FAILED, finished_at=timezone.now(), error="Its process has ended without a word.")
    waiting = rows.filter(state__in=_OPEN).first()
    return waiting or rows.create(requested_by=current_act().actor.label[:200])


def run_verification(row: AuditVerification, verifier: DatabaseVerifier | None = None) -> Verification | None:
    """Verify, tell on the row how far it is, and note what was found; also as a record of the trail.

    Args:
        row: what ``request_verification`` returned.
        verifier: verifies; one of the whole trail, with the site's keys, when None.

    Returns:
        What was found; None when it could not be finished, the row tells why.
    """
    using = row._state.db or "default"
    total = AuditSeal.objects.using(using).order_by("-number").values_list("number", flat=True).first() or 0
    _tell(row, state=VerificationState.RUNNING, started_at=timezone.now(), seals_total=total)
    verifier = verifier or DatabaseVerifier(using)
    verifier.on_seal = _Teller(row).hear
    try:
        result = verifier.run()
    except (AuditError, DatabaseError, ValueError) as error:
        _tell(row, state=VerificationState.FAILED, finished_at=timezone.now(), error=f"{type(error).__name__}: {error}")
        return None
    state = VerificationState.GOOD if result.is_good else VerificationState.FAULTY
    told = [{**asdict(fault), "kind": fault.kind.value} for fault in result.faults[:_FAULTS_NOTED]]
    _tell(row, state=state, finished_at=timezone.now(), faults=told, **_figures(result))
    evidence = {"verification": row.pk, **_figures(result), "lastSeal": result.last_seal}
    record(VERIFY, target=Target("audit", using), evidence=evidence, using=using)
    return result


class _Teller:
    """Tells every two seconds how far it is."""

    def __init__(self, row: AuditVerification) -> None:
        self._row = row
        self._next = time.monotonic() + _TELL_SECONDS

    def hear(self, result: Verification) -> None:
        """Hear that another seal was verified."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_SECONDS
            _tell(self._row, **_figures(result))


def _figures(result: Verification) -> dict[str, int]:
    names = ("seals", "records", "unsealed", "fault_count")
    return {name: getattr(result, name) for name in names}


def _tell(row: AuditVerification, **told: Any) -> None:
    for name, value in {**told, "seen_at": timezone.now()}.items():
        setattr(row, name, value)
    row.save(update_fields=[*told, "seen_at"])
