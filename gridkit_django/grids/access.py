"""The one gate: what of a grid a user may see and do. Everything that reads or writes rows goes through it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar, cast

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.db import models
from django.utils.module_loading import import_string

from gridkit_django.exceptions import AccessDeniedError, ErrorItem, UnknownColumnError
from gridkit_django.grids.columns import Column
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.known_questions import is_whole
from gridkit_django.grids.options import GridOptions
from gridkit_django.grids.registry import grid_not_found, grid_registry
from gridkit_django.grids.rights import GridRights, has_permission
from gridkit_django.typing import User

T = TypeVar("T")

OPEN = "gridkit_django.open_grid"
EDIT = "gridkit_django.edit_grid"
EXPORT = "gridkit_django.export_grid"


class GridAccess:
    """A grid in the hands of a user.

    Rights are read when they are first needed and kept for the life of this object, which is one request or task.
    Making one checks nothing: ``open_grid`` is the way in for everything that comes from outside.

    Args:
        grid: the grid.
        user: the person on whose behalf rows are read or changed.
        rights: the user's rights, when they have been read for other grids already.
    """

    def __init__(self, grid: type[Grid], user: User, rights: GridRights | None = None) -> None:
        self.grid = grid
        self.user = user
        self.rights = rights or GridRights(user)
        self._kept: dict[Hashable, Any] = {}

    def kept(self, facts: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` made when it was first asked for with these facts, for the life of this object.

        Args:
            facts: what it is made of, beside grid and user.
            make: makes it.
        """
        if facts not in self._kept:
            self._kept[facts] = make()
        return cast("T", self._kept[facts])

    @property
    def grid_id(self) -> str:
        """The name of the grid on the wire."""
        return self.grid.options.id

    @property
    def options(self) -> GridOptions:
        """The options of the grid."""
        return self.grid.options

    @cached_property
    def by_id(self) -> Mapping[str, Column]:
        """The columns that the user may see, by id, in the grid's order."""
        return MappingProxyType({key: column for key, column in self.grid.columns().items() if self._may_see(column)})

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that the user may see, in the grid's order."""
        return tuple(self.by_id.values())

    @property
    def key(self) -> Column:
        """The primary key as a column: its value is the id of a row, whoever looks."""
        return self.grid.declaration().key

    def column(self, name: str, pointer: str = "") -> Column:
        """Return a column that the user may see.

        Args:
            name: the id of the column.
            pointer: where in the request it is named (JSON Pointer), for the error.

        Raises:
            UnknownColumnError: when there is no such column or the user may not see it; the answers are the same.
        """
        try:
            return self.by_id[name]
        except KeyError:
            detail = f"This grid has no column {name[:100]!a}."
            raise UnknownColumnError(detail, errors=[ErrorItem(pointer, UnknownColumnError.code, detail)]) from None

    @cached_property
    def editable_columns(self) -> tuple[Column, ...]:
        """The columns that the user may change."""
        return tuple(column for column in self.columns if column.editable) if self.can_edit else ()

    @cached_property
    def version_columns(self) -> tuple[Column, ...]:
        """The visible columns stored in the row itself: what a row's version is made of."""
        return tuple(column for column in self.columns if column.own)

    @cached_property
    def can_open(self) -> bool:
        """Whether the user may open the grid."""
        return self._holds(OPEN)

    @cached_property
    def can_edit(self) -> bool:
        """Whether the user may change rows in the grid."""
        return self._holds(EDIT)

    @cached_property
    def can_create(self) -> bool:
        """Whether the user may make new rows: the grid allows it, and Django's own right to add such rows is held."""
        return self.options.creatable and self.can_edit and self._holds_on_model("add")

    @cached_property
    def can_delete(self) -> bool:
        """Whether the user may delete rows: the grid allows it, and Django's own right to delete such rows is held."""
        return self.options.deletable and self.can_edit and self._holds_on_model("delete")

    @cached_property
    def can_export(self) -> bool:
        """Whether the user may export the grid."""
        return self._holds(EXPORT)

    def queryset(self) -> models.QuerySet[Any]:
        """Return the rows that the user may see, unordered."""
        rows = self.grid.get_queryset().order_by()
        rule = self.options.row_permission
        if rule is None:
            return rows
        return rows_with_permission(rows, self.user, rule) if isinstance(rule, str) else rule(rows, self.user)

    @cached_property
    def sees_all_rows(self) -> bool:
        """Whether every row of the model is a row of the grid that the user sees. False when that is not certain."""
        return is_whole(self.queryset())

    def require(self, *, edit: bool = False, create: bool = False, delete: bool = False, export: bool = False) -> None:
        """Refuse a user who lacks a right on a grid that they may open.

        Raises:
            AccessDeniedError: when the right is missing.
        """
        if edit and not self.can_edit:
            raise AccessDeniedError(
                "You may not edit rows in this grid. Ask an administrator for the right to edit it."
            )
        if create and not self.can_create:
            raise AccessDeniedError("You may not make new rows in this grid. Ask an administrator for the right to.")
        if delete and not self.can_delete:
            raise AccessDeniedError("You may not delete rows of this grid. Ask an administrator for the right to.")
        if export and not self.can_export:
            raise AccessDeniedError("You may not export this grid. Ask an administrator for the right to export it.")

    def _holds(self, right: str) -> bool:
        return self.rights.holds(right, self.grid_id)

    def _holds_on_model(self, action: str) -> bool:
        return has_permission(self.user, model_permission(self.options.model, action))

    def _may_see(self, column: Column) -> bool:
        rule = column.permission
        if rule is None:
            return True
        return bool(rule(self.user)) if callable(rule) else has_permission(self.user, rule)


def model_permission(model: type[models.Model], action: str) -> str:
    """Return the name of Django's own permission to ``add``, ``change``, ``delete`` or ``view`` rows of a model."""
    return f"{model._meta.app_label}.{get_permission_codename(action, model._meta)}"


def rows_with_permission(rows: models.QuerySet[Any], user: User, permission: str) -> models.QuerySet[Any]:
    """Keep the rows on which the user holds an object permission; who holds it globally keeps all.

    Without django-guardian there are no object permissions: then it is all or nothing (``gridkit.E108`` says so).
    """
    if has_permission(user, permission):
        return rows
    if not apps.is_installed("guardian") or user.is_anonymous:
        return rows.none()
    # Imported by name, because guardian's modules can only be imported where it is installed.
    get_objects_for_user = import_string("guardian.shortcuts.get_objects_for_user")
    allowed = get_objects_for_user(user, permission, klass=rows.model, accept_global_perms=False)
    return rows.filter(pk__in=allowed.order_by().values("pk"))


def open_grid(grid_id: str, user: User, rights: GridRights | None = None) -> GridAccess:
    """Open a grid for a user: the way in for everything that comes from outside.

    Args:
        grid_id: the name of the grid.
        user: the person.
        rights: ``rights`` of another grid that was opened for the same user in the same request; spares a query.

    Raises:
        GridNotFoundError: when there is no such grid or the user may not open it; the answers are the same.
    """
    access = GridAccess(grid_registry().get(grid_id), user, rights)
    if not access.can_open:
        raise grid_not_found(grid_id)
    return access


def open_grids(user: User, rights: GridRights | None = None) -> tuple[GridAccess, ...]:
    """Return every grid that the user may open, ordered by id. The rights on all of them are read at once.

    Args:
        user: the person.
        rights: ``rights`` of a grid that was opened for the same user in the same request; spares a query.
    """
    rights = rights or GridRights(user)
    found = (GridAccess(grid, user, rights) for grid in grid_registry().all())
    return tuple(access for access in found if access.can_open)
