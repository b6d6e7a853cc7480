"""Wrapping every subject's key with the newest master key, so that an older one can be thrown away."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from gridkit_django.audit.privacy.providers import key_provider
from gridkit_django.audit.privacy.subject_keys import open_key
from gridkit_django.audit.recorder import record
from gridkit_django.audit.targets import Target
from gridkit_django.exceptions import AuditKeyError, AuditKeyServiceError
from gridkit_django.models import AuditSubjectKey

_CHUNK = 500
_ACTION = "audit.rewrap"


@dataclass(frozen=True, slots=True)
class RewrapReport:
    """What was found.

    Attributes:
        examined: keys that are not destroyed.
        outdated: those that an older master key had wrapped.
        unreadable: ids of those that no master key unwraps; they are left as they are.
    """

    examined: int
    outdated: int
    unreadable: tuple[str, ...]


def rewrap_keys(*, using: str = "default", write: bool = True) -> RewrapReport:
    """Wrap each key that is not wrapped by the newest master key anew. Values need not be encrypted again.

    Each chunk is a transaction of its own, so that it can run while the site works, and again when it was broken off.

    Args:
        using: alias of the database of the records.
        write: False only counts.

    Raises:
        AuditKeyServiceError: when the provider can't be reached; what was wrapped until then stays so.
    """
    provider = key_provider()
    live = AuditSubjectKey.objects.using(using).filter(erased_at=None)
    old = live.exclude(master_id=provider.master_id).order_by("pk")
    ids, unreadable = list(old.values_list("pk", flat=True)), []
    for start in range(0, len(ids), _CHUNK):
        with transaction.atomic(using=using):
            for row in old.filter(pk__in=ids[start : start + _CHUNK]).select_for_update():
                try:
                    key = open_key(provider, row).key
                except AuditKeyServiceError:
                    raise
                except AuditKeyError:
                    unreadable.append(str(row.pk))
                    continue
                if write:
                    row.wrapped, row.master_id = provider.wrap(key, row.pk.bytes), provider.master_id
                    row.save(update_fields=["wrapped", "master_id"], using=using)
    if write and len(ids) > len(unreadable):
        evidence = {"keys": len(ids) - len(unreadable)}
        record(_ACTION, target=Target("audit", provider.master_id), evidence=evidence, using=using)
    return RewrapReport(live.count(), len(ids), tuple(unreadable))
