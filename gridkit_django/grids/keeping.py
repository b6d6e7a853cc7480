"""Keeping what it takes to undo a change, for the person who made it, for a while."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from django.core import signing
from django.db import connections, router
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import UndoError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.steps import Step
from gridkit_django.models import EditUndo

_SALT = "gridkit_django.grids.undo"


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
    kept = EditUndo(user_id=cast("int", access.user.pk), grid=access.grid_id, steps=written, created_at=timezone.now())
    _insert(kept)
    return signing.Signer(salt=_SALT).sign(kept.pk.hex)


def take_undo(access: GridAccess, token: str) -> list[Step]:
    """Return the steps behind a token, newest first, and mark it as used: nobody else gets them.

    Raises:
        UndoError: when the token is none of this user's for this grid, too old, or used before. Who has no business
            with it learns no more than that.
    """
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


def _insert(kept: EditUndo) -> None:
    """Store a new row. Django's own way takes three times as long, and every edit goes it."""
    alias, meta = router.db_for_write(EditUndo), EditUndo._meta
    connection = connections[alias]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in meta.concrete_fields)
    values = [field.get_db_prep_save(getattr(kept, field.attname), connection) for field in meta.concrete_fields]
    table, marks = connection.ops.quote_name(meta.db_table), ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)  # noqa: S608 - names of the model


def _read(token: str) -> uuid.UUID:
    try:
        return uuid.UUID(signing.Signer(salt=_SALT).unsign(token))
    except (signing.BadSignature, ValueError) as error:
        raise UndoError("This is no token of this site that undoes a change.") from error


def _why(found: EditUndo | None) -> str:
    if found is None:
        return "There is no change of yours in this grid that this token could undo, or it is too old."
    return "This change was undone already." if found.used_at else "This change is too old to be undone."
