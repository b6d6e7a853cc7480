"""What a user may do with grids, read for all grids and all rights at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, TypeAlias, cast

from django.apps import apps
from django.contrib.auth import get_backends
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import CharField, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast
from django.utils.module_loading import import_string

from gridkit_django.models import RegisteredGrid
from gridkit_django.typing import User

_Held: TypeAlias = tuple[str, str, str, str]
"""Where a right was found (``user``, ``group`` or ``object``), its app, its codename, and the grid for ``object``."""

_OBJECT_BACKEND = "guardian.backends.ObjectPermissionBackend"
_GLOBAL = ("user", "group")


def has_permission(user: User, permission: str, on: models.Model | None = None) -> bool:
    """Whether Django's authentication backends give the user a permission, globally or on one object."""
    return bool(cast("PermissionsMixin", user).has_perm(permission, on))


class GridRights:
    """A user's rights on grids, as they are when they are first asked for; made for one request or task.

    django-guardian's own backend asks the database twice for each right on each grid, and Django's twice more. Here one
    query reads all of it, however many grids and rights there are. Backends of other kinds are asked one by one, as
    ``has_perm`` asks them, and may cost what they cost.

    Args:
        user: the person whose rights they are.
    """

    def __init__(self, user: User) -> None:
        self.user = user

    def holds(self, right: str, grid_id: str) -> bool:
        """Whether the user holds a right on all grids, or on this one.

        Args:
            right: a permission on ``RegisteredGrid`` as ``app_label.codename``.
            grid_id: the grid.
        """
        granted = self._granted
        if has_permission(self.user, right):
            return True
        if granted is None:
            row = self._rows.get(grid_id)
            return row is not None and has_permission(self.user, right, row)
        return self._holds_on(right, grid_id, granted)

    def _holds_on(self, right: str, grid_id: str, granted: frozenset[tuple[str, str]]) -> bool:
        """Ask the backends in their order, as Django does, with what was read in place of guardian's queries."""
        user: Any = self.user
        for backend in get_backends():
            if type(backend) is ModelBackend or not hasattr(backend, "has_perm"):
                continue  # Django's own backend knows no rights on single objects
            if _is_guardian(backend):
                if (right, grid_id) in granted:
                    return True
                continue
            row = self._rows.get(grid_id)
            try:
                if row is not None and backend.has_perm(user, right, row):
                    return True
            except PermissionDenied:
                return False
        return False

    @cached_property
    def _rows(self) -> Mapping[str, RegisteredGrid]:
        """The rows of all grids, for backends that want to see one."""
        return {row.grid_id: row for row in RegisteredGrid.objects.all()}

    @cached_property
    def _granted(self) -> frozenset[tuple[str, str]] | None:
        """The rights on single grids, with the grids; None when they can't be read at once.

        The rights on all grids, which are read with them, are left where Django looks for them before it asks the
        database; should it look elsewhere one day, it asks.
        """
        user: Any = self.user
        if not (user.is_authenticated and user.is_active and user.__class__.has_perm is PermissionsMixin.has_perm):
            return None
        if user.is_superuser:
            return frozenset()
        parts = [*_global_parts(user), *_object_parts(user)]
        held = _read(parts)
        for kind in _GLOBAL:
            if any(part_kind == kind for part_kind, _part in parts):
                found = {f"{app}.{codename}" for where, app, codename, _grid in held if where == kind}
                setattr(user, f"_{kind}_perm_cache", found)
        return frozenset((f"{app}.{name}", grid) for where, app, name, grid in held if where == "object")


def _is_guardian(backend: object) -> bool:
    """Whether the backend is django-guardian's own; one that is derived from it may judge otherwise."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}" == _OBJECT_BACKEND


def _global_parts(user: Any) -> Iterable[tuple[str, QuerySet[Any]]]:
    """Yield the queries for the rights on all grids, as Django's backend makes them, unless it has them already."""
    backend = next((backend for backend in get_backends() if isinstance(backend, ModelBackend)), None)
    if backend is None or hasattr(user, "_perm_cache"):
        return
    for kind in _GLOBAL:
        if not hasattr(user, f"_{kind}_perm_cache"):
            yield kind, _columns(kind, getattr(backend, f"_get_{kind}_permissions")(user), "", Value(""))


def _object_parts(user: Any) -> Iterable[tuple[str, QuerySet[Any]]]:
    """Yield the queries for the rights on single grids, from django-guardian's tables."""
    if not (apps.is_installed("guardian") and any(_is_guardian(backend) for backend in get_backends())):
        return
    # Imported by name, because guardian's modules can only be imported where it is installed.
    for owner, name in (("user", "get_user_obj_perms_model"), ("group__user", "get_group_obj_perms_model")):
        model = import_string(f"guardian.utils.{name}")(RegisteredGrid)
        held = model.objects.filter(**{owner: user})
        if model.objects.is_generic():
            meta = RegisteredGrid._meta
            kind = {"content_type__app_label": meta.app_label, "content_type__model": meta.model_name}
            row = RegisteredGrid.objects.annotate(text=Cast("pk", CharField())).filter(text=OuterRef("object_pk"))
            grid = Subquery(row.order_by().values("grid_id")[:1])
            yield "object", _columns("object", held.filter(**kind), "permission__", grid)
        else:
            yield "object", _columns("object", held, "permission__", F("content_object__grid_id"))


def _columns(kind: str, rows: QuerySet[Any], permission: str, grid: Any) -> QuerySet[Any]:
    """Select the same four texts from each kind of table, so that one query can read them all."""
    named = rows.order_by().annotate(
        gridkit_kind=Value(kind, CharField()),
        gridkit_app=F(f"{permission}content_type__app_label"),
        gridkit_name=F(f"{permission}codename"),
        gridkit_grid=Cast(grid, CharField()),
    )
    columns: QuerySet[Any] = named.values_list("gridkit_kind", "gridkit_app", "gridkit_name", "gridkit_grid")
    return columns


def _read(parts: Iterable[tuple[str, QuerySet[Any]]]) -> list[_Held]:
    """Read the parts with one query for each database that holds some: nearly always one."""
    by_database: dict[str, list[QuerySet[Any]]] = {}
    for _kind, part in parts:
        by_database.setdefault(part.db, []).append(part)
    return [row for first, *more in by_database.values() for row in first.union(*more, all=True)]
