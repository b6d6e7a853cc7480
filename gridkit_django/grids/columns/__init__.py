"""The kinds of column, one class per type on the wire."""

from __future__ import annotations

from gridkit_django.grids.columns.base import Column, ColumnPermission
from gridkit_django.grids.columns.boolean import BooleanColumn
from gridkit_django.grids.columns.choice import Choice, ChoiceColumn
from gridkit_django.grids.columns.formats import DateFormat, NumberFormat, ValueFormat
from gridkit_django.grids.columns.identifier import UUIDColumn
from gridkit_django.grids.columns.number import DecimalColumn, FloatColumn, IntegerColumn
from gridkit_django.grids.columns.structured import JSONColumn
from gridkit_django.grids.columns.styles import CellStyle
from gridkit_django.grids.columns.temporal import DateColumn, DateTimeColumn, TimeColumn
from gridkit_django.grids.columns.text import TextColumn

__all__ = [
    "BooleanColumn",
    "CellStyle",
    "Choice",
    "ChoiceColumn",
    "Column",
    "ColumnPermission",
    "DateColumn",
    "DateFormat",
    "DateTimeColumn",
    "DecimalColumn",
    "FloatColumn",
    "IntegerColumn",
    "JSONColumn",
    "NumberFormat",
    "TextColumn",
    "TimeColumn",
    "UUIDColumn",
    "ValueFormat",
]
