"""Makes the column of a model field that the grid only names."""

from __future__ import annotations

from gridkit_django.exceptions import GridDeclarationError
from gridkit_django.grids.columns.base import Column
from gridkit_django.grids.columns.boolean import BooleanColumn
from gridkit_django.grids.columns.choice import ChoiceColumn
from gridkit_django.grids.columns.identifier import UUIDColumn
from gridkit_django.grids.columns.number import DecimalColumn, FloatColumn, IntegerColumn
from gridkit_django.grids.columns.paths import AnyField
from gridkit_django.grids.columns.structured import JSONColumn
from gridkit_django.grids.columns.temporal import DateColumn, DateTimeColumn, TimeColumn
from gridkit_django.grids.columns.text import TextColumn

# The first kind that accepts the field wins: a field with choices is text or a number too.
COLUMN_KINDS: tuple[type[Column], ...] = (
    ChoiceColumn,
    TextColumn,
    IntegerColumn,
    DecimalColumn,
    FloatColumn,
    BooleanColumn,
    DateTimeColumn,
    DateColumn,
    TimeColumn,
    UUIDColumn,
    JSONColumn,
)


def infer_column(name: str, value_field: AnyField) -> Column:
    """Make an unbound, read-only column for a field.

    Args:
        name: the name on the grid, which is the source too.
        value_field: the field that types the value; for a foreign key, the field it points at.

    Raises:
        GridDeclarationError: when no kind of column shows such a field.
    """
    for kind in COLUMN_KINDS:
        if kind.accepts(value_field):
            return kind(name)
    raise GridDeclarationError(
        f"The column {name!r}: no kind of column shows a {type(value_field).__name__}. "
        "Leave it out, or show another field."
    )
