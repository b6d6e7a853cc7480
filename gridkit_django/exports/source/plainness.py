"""Whether a column's values are what the database stores: then anybody may write them, even the database itself."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.grids.columns import Column

_WAYS = ("to_wire", "to_wires", "_wire")
_BUILT_IN = "gridkit_django.grids.columns"


def shows_stored(column: Column) -> bool:
    """Whether the grid shows a column's values in the way of its built-in kind.

    A site's own kind of column may write its values in its own way, for example without most of their digits: then an
    export holds what it writes, and never what it hides.
    """
    return _is_built_in(column, *_WAYS)


def marks_exactly(column: Column) -> bool:
    """Whether a bookmark of a column's value stands for just this value.

    A site's own kind that writes its values in its own way, and has no ``to_cursor`` of its own, would mark a place in
    the order by what it shows: a take that begins there might begin anywhere.
    """
    return shows_stored(column) or not _is_built_in(column, "to_cursor")


def _is_built_in(column: Column, *ways: str) -> bool:
    kind: type[Any] = type(column)
    built_in = next(base for base in kind.__mro__ if base.__module__.startswith(_BUILT_IN))
    return all(getattr(kind, way) is getattr(built_in, way) for way in ways)


def stored_as_is(column: Column, connection: BaseDatabaseWrapper) -> bool:
    """Whether Python sees a column's values just as the database holds them: its field reads nothing into them."""
    field = column.value_field
    own = [type(field).from_db_value] if hasattr(field, "from_db_value") else []
    foreign = [way for way in own if not way.__module__.startswith("django.")]
    return not foreign and type(field).get_db_converters.__module__.startswith("django.")
