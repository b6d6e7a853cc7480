"""Locks on rows: whoever changes a row holds it until the transaction ends."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections, models
from django.db.models import F

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.known_questions import Given, facts_of
from gridkit_django.grids.records import record_not_found, stored_key
from gridkit_django.grids.registry import grid_registry


def write_alias(access: GridAccess) -> str:
    """Return the alias of the database that edits of this grid go to."""
    return access.queryset().select_for_update().db


def lock_row(access: GridAccess, key: Any, alias: str, *, delete: bool = False) -> models.Model:
    """Lock one row until the transaction ends and return it as it is now.

    Args:
        access: the grid and the user. Only a row that the user sees is waited for, or the wait would tell that it
            exists. The caller judges again after the lock: it may have left the user's sight meanwhile.
        key: the primary key.
        alias: the database, in a transaction.
        delete: whether the row is about to be deleted.

    Raises:
        RecordNotFoundError: when there is no such row, or the user may not see it: the same answer, as quickly.
    """
    found = _locked(access, key, alias, delete=delete)
    if not found:
        raise record_not_found()
    return found[0]


def lock_rows(access: GridAccess, keys: Collection[Any], alias: str, *, delete: bool = False) -> list[models.Model]:
    """Lock rows until the transaction ends and return those that the user sees, in the order of their keys.

    Where the database locks rows, this is ``SELECT … FOR UPDATE`` (weaker where the database knows a lock that leaves
    foreign keys to the row alone, unless it is about to be deleted). All who lock several rows do it in one order, so
    nobody waits in a circle. SQLite locks the whole database at the first write: so the first statement there is a
    write that changes nothing, and what is read after it can't be stale.
    """
    return list(_locking(access, models.Q(pk__in=keys), alias, delete=delete).order_by("pk"))


def lock_user(key: Any, alias: str) -> None:
    """Let two requests of one user wait for each other until the transaction ends, so that each counts what both store.

    SQLite has no row locks and needs none: its writers wait for each other from the first write on.

    Args:
        key: primary key of the user.
        alias: the database, in a transaction.
    """
    if connections[alias].features.has_select_for_update:
        get_user_model()._default_manager.using(alias).select_for_update().filter(pk=key).first()


def _locked(access: GridAccess, key: Any, alias: str, *, delete: bool) -> list[models.Model]:
    """Return the row with a key, locked, if it is there for the user."""
    rows = access.options.model._base_manager.using(alias)
    facts = facts_of(rows) if access.sees_all_rows and connections[alias].features.has_select_for_update else None
    if facts is None:
        return list(_locking(access, models.Q(pk=key), alias, delete=delete))
    known = grid_registry().questions.statement(
        alias, ("lock", facts, delete), lambda: _locking(access, models.Q(pk=Given(0)), alias, delete=delete)
    )
    return known.instances([stored_key(rows, key)])


def _locking(access: GridAccess, which: models.Q, alias: str, *, delete: bool) -> models.QuerySet[Any]:
    """Return rows that the user sees, which are locked when they are read."""
    rows = access.options.model._base_manager.using(alias).filter(which)
    features = connections[alias].features
    if features.has_select_for_update:
        of = ("self",) if features.has_select_for_update_of else ()
        rows = rows.select_for_update(of=of, no_key=features.has_select_for_no_key_update and not delete)
    else:
        _lock_database(rows)
    return rows if access.sees_all_rows else rows.filter(pk__in=access.queryset().using(alias).values("pk"))


def _lock_database(rows: models.QuerySet[Any]) -> None:
    plain = (
        field
        for field in rows.model._meta.local_concrete_fields
        if not field.primary_key and not isinstance(field, models.GeneratedField)
    )
    field = next(plain, None)
    if field is not None:
        rows.update(**{field.attname: F(field.attname)})
