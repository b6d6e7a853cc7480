"""Keeping what it takes to undo a change, for the person who made it, for a while.

A small change is kept in its token, and only that the token was used is stored. A large one is stored, and its token is
its signed id. Both can be used once, by the same person, in the same grid.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from django.core import signing
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import UndoError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.steps import Step
from gridkit_django.grids.undo_tokens import is_sealed_token, open_token, seal_token, token_id
from gridkit_django.models import EditUndo
from gridkit_django.typing import MutableJSONObject

_SALT = "gridkit_django.grids.undo"
_STEPS_IN_TOKEN = 8
_FORGED = "This is no token of this site that undoes a change."
_USED = "This change was undone already."
_TOO_OLD = "This change is too old to be undone."


def keep_undo(access: GridAccess, steps: Sequence[Step]) -> str | None:
    """Keep the steps of one change and return the token that undoes them.

    Args:
        access: the grid and the user.
        steps: in the order in which they were done.

    Returns:
        The token; None when there is nothing to undo, too much of it (``UNDO_ROWS_MAX``), or the site keeps nothing
        (``UNDO_MINUTES``).
    """
    if not steps or not settings().UNDO_MINUTES or len(steps) > settings().UNDO_ROWS_MAX:
        return None
    written = [step.to_dict() for step in reversed(steps)]
    now = timezone.now()
    held = {"user": str(access.user.pk), "grid": access.grid_id, "steps": written, "at": now.isoformat()}
    # Most changes are of one row; the rest would be too large in any case.
    return (seal_token(held) if len(steps) <= _STEPS_IN_TOKEN else None) or _store(access, written)


def take_undo(access: GridAccess, token: str) -> list[Step]:
    """Return the steps behind a token, newest first, and mark it as used: nobody else gets them.

    Raises:
        UndoError: when the token is none of this user's for this grid, too old, or used before. Who has no business
            with it learns no more than that.
    """
    if is_sealed_token(token):
        return _take_sealed(access, token)
    key = _read(token)
    youngest = timezone.now() - timedelta(minutes=settings().UNDO_MINUTES)
    mine = EditUndo.objects.filter(pk=key, user_id=cast("int", access.user.pk), grid=access.grid_id)
    if not mine.filter(used_at=None, created_at__gte=youngest).update(used_at=timezone.now()):
        raise UndoError(_why(mine.first()))
    return [Step.from_dict(raw) for raw in mine.get().steps]


def expire_undos() -> int:
    """Delete what is too old to be undone, and return how many changes that were."""
    oldest = timezone.now() - timedelta(minutes=settings().UNDO_MINUTES)
    return EditUndo.objects.filter(created_at__lt=oldest).delete()[0]


def _store(access: GridAccess, written: Sequence[MutableJSONObject]) -> str:
    kept = EditUndo.objects.create(user_id=cast("int", access.user.pk), grid=access.grid_id, steps=list(written))
    return signing.Signer(salt=_SALT).sign(kept.pk.hex)


def _take_sealed(access: GridAccess, token: str) -> list[Step]:
    """Return the steps that a token holds, and store that it was used: of two who do so at once, one gets them."""
    held = open_token(token)
    if held is None:
        raise UndoError(_FORGED)
    if (held["user"], held["grid"]) != (str(access.user.pk), access.grid_id):
        raise UndoError(_why(None))
    made, now = datetime.fromisoformat(held["at"]), timezone.now()
    if made < now - timedelta(minutes=settings().UNDO_MINUTES):
        raise UndoError(_TOO_OLD)
    mine: dict[str, Any] = {"user_id": access.user.pk, "grid": access.grid_id, "steps": [], "used_at": now}
    if not EditUndo.objects.get_or_create(pk=token_id(token), defaults=mine)[1]:
        raise UndoError(_USED)
    return [Step.from_dict(raw) for raw in held["steps"]]


def _read(token: str) -> uuid.UUID:
    try:
        return uuid.UUID(signing.Signer(salt=_SALT).unsign(token))
    except (signing.BadSignature, ValueError) as error:
        raise UndoError(_FORGED) from error


def _why(found: EditUndo | None) -> str:
    if found is None:
        return "There is no change of yours in this grid that this token could undo, or it is too old."
    return _USED if found.used_at else _TOO_OLD
