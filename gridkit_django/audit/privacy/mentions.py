"""All records of and about one subject, newest first, found a stretch of the trail at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from gridkit_django.audit.privacy.ciphers import SEAL, is_sealed
from gridkit_django.audit.privacy.reach import STRETCH, TOLD, keys_of, oldest_of, sealed_with
from gridkit_django.audit.privacy.subjects import Subject
from gridkit_django.events import ActorKind
from gridkit_django.models import AuditRecord

_AT_ONCE = 500
_LOOKS = Q(action__startswith="audit.") | Q(action="row.view")


class Mentions:
    """The ids of the records that speak of a subject: those of its own row, and those with values that its keys open.

    An index finds the first; the second are looked for as far back as the oldest key.

    Args:
        subject: whom they speak of.
        using: alias of the database of the records.
        acts: with what the subject did as a user, too.
        looks: with who looked at the row or read about it in the trail, too.
    """

    def __init__(self, subject: Subject, using: str, *, acts: bool = False, looks: bool = False) -> None:
        self._using = using
        self._looks = looks
        self._keys = keys_of(subject, using)
        self._ids = frozenset(key.pk.hex for key in self._keys)
        self._subject = subject
        self._acts = acts and subject.type == get_user_model()._meta.label_lower
        self._plain = Q(target_type=subject.type, target_id=subject.id)
        if self._acts:
            self._plain |= Q(actor_kind=ActorKind.USER.value, actor_id=subject.id)

    def is_plain(self, record: AuditRecord) -> bool:
        """Whether a record says by its target or actor that it is about the subject, and not by a value only."""
        own = (record.target_type, record.target_id) == (self._subject.type, self._subject.id)
        by = (record.actor_kind, record.actor_id) == (ActorKind.USER.value, self._subject.id)
        return own or (self._acts and by)

    def opens(self, changes: Mapping[str, Any]) -> bool:
        """Whether one of these values was encrypted with a key of the subject."""
        values = (value for pair in changes.values() if isinstance(pair, list) for value in pair)
        return any(is_sealed(value) and value[SEAL].partition(":")[0] in self._ids for value in values)

    def stretches(self, before: int | None = None) -> Iterator[tuple[list[int], int]]:
        """Yield ids, newest first, and the lowest id that was looked at for them; some stretches have none.

        Args:
            before: only ids below this one.
        """
        newest = AuditRecord.objects.using(self._using).order_by("-pk").values_list("pk", flat=True).first()
        upper = min(newest + 1, before or newest + 1) if newest is not None else 0
        oldest = oldest_of(self._keys, self._using) if self._keys else None
        sealed = sealed_with(key.pk for key in self._keys)
        while oldest is not None and upper > oldest:
            lower = max(upper - STRETCH, oldest)
            found = self._rows().alias(told=TOLD).filter(self._plain | sealed, pk__gte=lower, pk__lt=upper)
            yield list(found.values_list("pk", flat=True)), lower
            upper = lower
        while ids := list(self._rows().filter(self._plain, pk__lt=upper).values_list("pk", flat=True)[:_AT_ONCE]):
            upper = ids[-1]
            yield ids, upper

    def _rows(self) -> QuerySet[AuditRecord]:
        rows: QuerySet[AuditRecord] = AuditRecord.objects.using(self._using).select_related(None).order_by("-pk")
        return rows if self._looks else rows.exclude(_LOOKS)
