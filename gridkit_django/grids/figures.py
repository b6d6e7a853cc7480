"""Figures over groups: aggregates bound to their columns, as expressions of the database and as values on the wire."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from django.db.models import Aggregate as DatabaseAggregate
from django.db.models import Avg, Count, DecimalField, FloatField, Func, Max, Min, Sum
from django.db.models.functions import Round

from gridkit_django.exceptions import QueryError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column, DecimalColumn, FloatColumn, IntegerColumn
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.groups import Aggregate
from gridkit_django.typing import JSONValue

_DIGITS = 60
_MORE_PLACES = 6

_AGGREGATES: Mapping[Fn, type[DatabaseAggregate]] = MappingProxyType(
    {Fn.SUM: Sum, Fn.AVG: Avg, Fn.MIN: Min, Fn.MAX: Max}
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One aggregate, bound to its column.

    Attributes:
        aggregate: what was asked for.
        column: the column of the figures: it knows their type, and is read by the name of the annotation.
        expression: the figure of a group.
    """

    aggregate: Aggregate
    column: Column
    expression: Func

    @property
    def name(self) -> str:
        """The key under which the figure is answered."""
        return self.aggregate.name

    @property
    def annotation(self) -> str:
        """The name by which the database answers it."""
        return self.column.path

    def to_wire(self, value: Any, zone: tzinfo) -> JSONValue:
        """Turn a figure into its JSON form. Databases give exact numbers more or fewer places; here all are equal."""
        if isinstance(value, Decimal):
            value = round(value, _places(self.column, self.aggregate.fn))
            value = value.normalize() if self.aggregate.fn is Fn.AVG else value
        return self.column.to_wire(value, zone)


def bind_figures(
    access: GridAccess, aggregates: Sequence[Aggregate], prefix: str, at: str = "/aggregates"
) -> tuple[Figure, ...]:
    """Bind aggregates through the gate.

    Args:
        access: the gate that the columns come through.
        aggregates: what was asked for.
        prefix: begins the names of the annotations.
        at: where they stand in the request (JSON Pointer).

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: when a column has no such function.
    """
    return tuple(
        bind_figure(access, item, f"{prefix}{index}", f"{at}/{index}") for index, item in enumerate(aggregates)
    )


def bind_figure(access: GridAccess, aggregate: Aggregate, name: str, at: str) -> Figure:
    """Bind one aggregate through the gate; ``name`` is that of its annotation. Raises as ``bind_figures`` does."""
    if not aggregate.col:
        return Figure(aggregate, _counted(aggregate, name), Count("*"))
    column = access.column(aggregate.col, f"{at}/col")
    if aggregate.fn not in column.functions:
        offered = ", ".join(column.functions)
        raise QueryError.at(f"{at}/fn", f"The column {column.id!r} has no function {aggregate.fn}; it has {offered}.")
    if aggregate.fn in (Fn.COUNT, Fn.COUNT_DISTINCT):
        distinct = aggregate.fn is Fn.COUNT_DISTINCT
        return Figure(aggregate, _counted(aggregate, name), Count(column.path, distinct=distinct))
    figure = _typed(column, aggregate.fn)
    figure.id, figure.path, figure.nullable, figure.own = aggregate.name, name, True, False
    return Figure(aggregate, figure, _expression(column, aggregate.fn))


def _typed(column: Column, fn: Fn) -> Column:
    """Return an unnamed column of the type that the figures have: an average of whole numbers has places."""
    if fn is Fn.AVG and not isinstance(column, DecimalColumn):
        return FloatColumn()
    return copy.copy(column)


def _expression(column: Column, fn: Fn) -> Func:
    """Return the expression. Sums of exact numbers stay exact: the database is told of room for their digits."""
    if isinstance(column, DecimalColumn) and fn in (Fn.SUM, Fn.AVG):
        places = _places(column, fn)
        field = DecimalField(max_digits=_DIGITS, decimal_places=places)
        # SQLite adds floats: without rounding, a sum would differ from the digits that a cursor and people know it by.
        return Round(_AGGREGATES[fn](column.path, output_field=field), places, output_field=field)
    if fn is Fn.AVG:
        return Avg(column.path, output_field=FloatField())
    return _AGGREGATES[fn](column.path)


def _places(column: Column, fn: Fn) -> int:
    """Return the digits after the point: a sum has those of the column, an average some more."""
    own = getattr(column.value_field, "decimal_places", None) or 0
    return own + _MORE_PLACES if fn is Fn.AVG else own


def _counted(aggregate: Aggregate, name: str) -> Column:
    column = IntegerColumn()
    column.id, column.path, column.nullable, column.own = aggregate.name, name, False, False
    return column
