"""Single rows by their primary key, through the gate."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, models
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute

from gridkit_django.exceptions import RecordNotFoundError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.text import storable
from gridkit_django.grids.known_questions import Given, known_rows
from gridkit_django.grids.registry import grid_registry
from gridkit_django.grids.rows import Row, RowLayout
from gridkit_django.grids.zones import zone_of

_PLAIN_ATTRIBUTES = frozenset({DeferredAttribute, ForeignKeyDeferredAttribute})
"""What Django puts on a model for a field whose value stands on an object as it is stored."""

_INT64 = range(-(2**63), 2**63)


def get_record(access: GridAccess, pk: Any, *, using: str | None = None) -> Row:
    """Return one row with all columns that the user may see.

    Args:
        access: the grid and the user.
        pk: the primary key, as it stands in the address or as a Python value.
        using: alias of the database to read; None means the one that reads of this grid go to.

    Raises:
        RecordNotFoundError: when there is no such row or the user may not see it; the answers are the same.
    """
    rows = access.queryset()
    if using is not None:
        rows = rows.using(using)
    layout = _layout(access, access.columns)
    found = _values(rows, read_key(access, pk), layout.paths)
    if not found:
        raise record_not_found()
    return layout.row(found[0])


def _layout(access: GridAccess, columns: tuple[Column, ...]) -> RowLayout:
    """Return the layout of rows with these columns; an edit asks for it more than once."""
    zone = zone_of(access)
    return access.kept((RowLayout, columns, zone), lambda: RowLayout(access, columns, zone))


def _values(rows: models.QuerySet[Any], key: Any, paths: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the values of the row with a key, if it is there."""
    known = known_rows(rows)
    if known is None:
        return list(rows.filter(pk=key).values_list(*paths)[:1])
    facts, place = ("record", known.facts, tuple(paths)), Given(len(known.given))
    statement = grid_registry().questions.statement(
        rows.db, facts, lambda: known.rows.filter(pk=place).values_list(*paths)[:1]
    )
    return statement.answer([*known.given, stored_key(rows, key)])


def stored_key(rows: models.QuerySet[Any], key: Any) -> Any:
    """Return a primary key in the form in which the database of the rows takes it."""
    return rows.model._meta.pk.get_db_prep_value(key, connections[rows.db])


def held_row(access: GridAccess, instance: models.Model, alias: str) -> Row:
    """Return a locked row as the user sees it now, at least with the columns of its own table.

    Where ``shows_held_rows`` that takes no query: what stands behind foreign keys is left out then.

    Args:
        access: the grid and the user.
        instance: the row, just read and locked.
        alias: the database.

    Raises:
        RecordNotFoundError: when the user may not see it.
    """
    if not shows_held_rows(access):
        return get_record(access, instance.pk, using=alias)
    return own_rows(access, [instance])[0]


def shows_held_rows(access: GridAccess) -> bool:
    """Whether a locked row holds what the gate would give of its own table.

    It does when the user sees all rows, and no field gives another value on an object than in a query, as files do.

    Args:
        access: the grid and the user.
    """
    model = access.options.model
    kinds = {type(getattr(model, column.field.attname, None)) for column in access.version_columns}
    return access.sees_all_rows and kinds <= _PLAIN_ATTRIBUTES


def own_rows(access: GridAccess, instances: Sequence[models.Model]) -> tuple[Row, ...]:
    """Return rows that were just read with the columns of their own table, whether the user may see them or not.

    Args:
        access: the grid and the user.
        instances: the rows.
    """
    layout = _layout(access, access.version_columns)
    names = {column.path: column.field.attname for column in access.version_columns}
    read = attrgetter("pk", *(names.get(path, "pk") for path in layout.paths))
    return layout.rows([read(instance)[1:] for instance in instances])


def read_key(access: GridAccess, pk: Any) -> Any:
    """Turn a primary key as it stands in an address into the model's Python value.

    Raises:
        RecordNotFoundError: when no row can have such a key.
    """
    if pk is None or (isinstance(pk, str) and not storable(pk)):
        raise record_not_found()
    try:
        key = access.options.model._meta.pk.to_python(pk)
    except ValidationError as error:
        raise record_not_found() from error
    if isinstance(key, int) and key not in _INT64:
        raise record_not_found()
    return key


def record_not_found() -> RecordNotFoundError:
    """Make the one answer for a row that does not exist and for one that the user may not see."""
    return RecordNotFoundError("There is no such row in this grid, or you may not see it.")
