"""Public door: declare grids and columns, find grids, open them, query them."""

from __future__ import annotations

from gridkit_django.grids.access import GridAccess, open_grid, open_grids
from gridkit_django.grids.columns import (
    BooleanColumn,
    ChoiceColumn,
    Column,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    FloatColumn,
    IntegerColumn,
    JSONColumn,
    TextColumn,
    TimeColumn,
    UUIDColumn,
)
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.operators import Op
from gridkit_django.grids.options import GridOptions
from gridkit_django.grids.registry import GridRegistry, grid_registry, register

__all__ = [
    "BooleanColumn",
    "ChoiceColumn",
    "Column",
    "DateColumn",
    "DateTimeColumn",
    "DecimalColumn",
    "FloatColumn",
    "Grid",
    "GridAccess",
    "GridOptions",
    "GridRegistry",
    "IntegerColumn",
    "JSONColumn",
    "Op",
    "TextColumn",
    "TimeColumn",
    "UUIDColumn",
    "grid_registry",
    "open_grid",
    "open_grids",
    "register",
]
