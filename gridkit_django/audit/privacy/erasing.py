"""Forgetting a person: their key is destroyed, so every value that it encrypted is unreadable for ever.

The records stay, and so do their digests, which were taken over what is stored: every seal still verifies. Backups
of the key table must age out before nobody can read the values any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from gridkit_django.audit.privacy.subject_keys import subject_keys
from gridkit_django.audit.privacy.subjects import Subject
from gridkit_django.audit.recorder import record
from gridkit_django.audit.targets import Target
from gridkit_django.models import AuditSubjectKey

_ACTION = "audit.erase"


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
    minute; what they encrypt with it is lost.

    Args:
        subject: whom to forget.
        using: alias of the database of the records.
        dry_run: only tell which keys would go.
    """
    with transaction.atomic(using=using):
        rows = AuditSubjectKey.objects.using(using).filter(subject__in=subject.names(), erased_at=None)
        found = tuple(sorted(str(row.pk) for row in rows.select_for_update()))
        if dry_run or not found:
            return Erasure(found)
        rows.update(wrapped=None, master_id="", erased_at=timezone.now())
        for key_id in found:
            record(_ACTION, target=Target("subject", key_id))
    subject_keys().forget()
    return Erasure(found)
