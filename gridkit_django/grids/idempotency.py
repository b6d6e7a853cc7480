"""Requests that may be sent twice: the answer to an Idempotency-Key is kept and given again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django.db import IntegrityError, router, transaction
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import IdempotencyError, RequestUnderWayError
from gridkit_django.models import IdempotencyRecord
from gridkit_django.typing import User

LOST_AFTER = timedelta(minutes=15)
"""After so long without an answer the process that carried the request out is taken for dead: nothing was kept."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to a request.

    Attributes:
        status: the HTTP status.
        body: the body, plain JSON.
        again: whether it was given before.
    """

    status: int
    body: Any
    again: bool = False


def answer_once(user: User, key: str, fingerprint: str, act: Callable[[], tuple[int, Any]]) -> KeptAnswer:
    """Carry out a request, unless it was carried out already: then give the same answer again.

    The answer is stored in the transaction of the act (on the site's default database), so a crash leaves both or
    neither. An act that is refused leaves nothing, and its key can be used again.

    Args:
        user: who asks; keys of different people have nothing to do with each other.
        key: what the client named the request.
        fingerprint: hash of everything that the request says.
        act: carries the request out and returns status and body.

    Raises:
        IdempotencyError: when the key was used for another request.
        RequestUnderWayError: when the request is being carried out right now.
    """
    record = _claim(user, key, fingerprint)
    if record.status is not None:
        return KeptAnswer(record.status, record.answer, again=True)
    try:
        with transaction.atomic(using=_database()):
            status, body = act()
            IdempotencyRecord.objects.filter(pk=record.pk).update(status=status, answer=body)
    except BaseException:
        IdempotencyRecord.objects.filter(pk=record.pk, status=None).delete()
        raise
    return KeptAnswer(status, body)


def expire_answers() -> int:
    """Delete the answers that are older than ``IDEMPOTENCY_HOURS``, and return how many."""
    oldest = timezone.now() - timedelta(hours=settings().IDEMPOTENCY_HOURS)
    return IdempotencyRecord.objects.filter(created_at__lt=oldest).delete()[0]


def _claim(user: User, key: str, fingerprint: str) -> IdempotencyRecord:
    """Return the record of a key: a new one without a status, or the one with the answer."""
    owner = cast("int", user.pk)
    _forget_old(owner, key)
    try:
        with transaction.atomic(using=_database()):
            return IdempotencyRecord.objects.create(user_id=owner, key=key, fingerprint=fingerprint)
    except IntegrityError:
        found = IdempotencyRecord.objects.filter(user_id=owner, key=key).first()
    if found is not None and found.fingerprint != fingerprint:
        raise IdempotencyError("This Idempotency-Key was used for another request. Take a new one.")
    if found is None or found.status is None:
        raise RequestUnderWayError("A request with this Idempotency-Key is being carried out. Ask again in a moment.")
    return found


def _forget_old(owner: int, key: str) -> None:
    now = timezone.now()
    mine = IdempotencyRecord.objects.filter(user_id=owner, key=key)
    mine.filter(created_at__lt=now - timedelta(hours=settings().IDEMPOTENCY_HOURS)).delete()
    mine.filter(status=None, created_at__lt=now - LOST_AFTER).delete()


def _database() -> str:
    return router.db_for_write(IdempotencyRecord)
