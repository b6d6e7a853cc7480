"""Forgetting a person: their key is destroyed, so every value that it encrypted is unreadable for ever.

The records stay, and so do their digests, which were taken over what is stored: every seal still verifies. Backups
of the key table must age out before nobody can read the values any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from gridkit_django.audit.privacy.reach import holds_on
from gridkit_django.audit.privacy.subject_keys import subject_keys
from gridkit_django.audit.privacy.subjects import Subject
from gridkit_django.audit.recorder import record
from gridkit_django.audit.retention.holds import await_holds
from gridkit_django.audit.targets import Target
from gridkit_django.exceptions import AuditHeldError
from gridkit_django.models import AuditSubjectKey

ERASE = "audit.erase"
"""The action of the record that an erasure leaves."""

ERASE_SUBJECT = "gridkit_django.erase_subject"
"""The Django permission that people need for it."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done.

    Attributes:
        keys: ids of the keys that were destroyed, which the record of the act names; empty when there was none.
    """

    keys: tuple[str, ...]


def erase_subject(subject: Subject, *, using: str = "default", dry_run: bool = False) -> Erasure:
    """Destroy the keys of a subject, and record that without saying whose they were.

    What is written about the subject afterwards gets a new key. Other processes may go on with the old one for a
    minute; what they encrypt with it is lost. A legal hold on one of the records that would be closed forbids it.

    Args:
        subject: whom to forget.
        using: alias of the database of the records.
        dry_run: only tell which keys would go.

    Raises:
        AuditHeldError: when a hold stands on a record that would be closed.
    """
    with transaction.atomic(using=using):
        rows = AuditSubjectKey.objects.using(using).filter(subject__in=subject.names(), erased_at=None)
        keys = [row.pk for row in rows.select_for_update()]
        found = tuple(sorted(map(str, keys)))
        if dry_run or not found:
            return Erasure(found)
        await_holds(using)
        if holds := holds_on(keys, using):
            raise AuditHeldError(
                f"Legal holds forbid it: {', '.join(hold.name for hold in holds)}. Release them first, or wait."
            )
        rows.update(wrapped=None, master_id="", erased_at=timezone.now())
        for key_id in found:
            record(ERASE, target=Target("subject", key_id), using=using)
    subject_keys().forget()
    return Erasure(found)
