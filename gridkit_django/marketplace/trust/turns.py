"""One signs after the other, whatever host or process they are on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import router, transaction
from django.db.models import F
from django.utils import timezone

from gridkit_django.models import TrustTurn

_NAME = "repository"


@contextmanager
def signing_turn() -> Iterator[None]:
    """Hold the turn of signing until the end of the block; others wait."""
    using = router.db_for_write(TrustTurn)
    TrustTurn.objects.using(using).get_or_create(name=_NAME)
    with transaction.atomic(using=using):
        turns = TrustTurn.objects.using(using).filter(name=_NAME)
        turns.update(version=F("version") + 1, signed_at=timezone.now())
        yield
