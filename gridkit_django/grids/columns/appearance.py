"""How a declared column looks: its format and its styles, judged against what its values are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from gridkit_django.exceptions import FilterValueError
from gridkit_django.grids.columns.base import Column
from gridkit_django.grids.columns.formats import FORMATTED
from gridkit_django.grids.columns.styles import CellStyle, plain_value, style_finder
from gridkit_django.grids.operators import WITH_LIST, WITHOUT_VALUE, Op


def appearance_faults(column: Column) -> Iterator[str]:
    """Yield what is wrong with the format and the styles of a bound column."""
    where = f"The column {column.id!r}"
    if column.format is not None:
        allowed = FORMATTED[type(column.format)]
        if column.type not in allowed:
            yield f"{where} is of the type {column.type}; {type(column.format).__name__} is for {', '.join(allowed)}."
        if column.format.fault():
            yield f"{where}: in its format, {column.format.fault()}"
    for style in column.styles:
        if style.fault(column.operators):
            yield f"{where}: {style.fault(column.operators)}"
            continue
        try:
            clean_style(column, style)
        except FilterValueError as error:
            yield f"{where}: a style's value does not fit. {error.detail}"


def clean_styles(column: Column) -> tuple[CellStyle, ...]:
    """Return the styles of a bound column with the values that the column makes of them."""
    return tuple(clean_style(column, style) for style in column.styles)


def clean_style(column: Column, style: CellStyle) -> CellStyle:
    """Return a style whose values are what the column's filter would compare with.

    Raises:
        FilterValueError: when a value does not fit the column.
    """
    op = Op(style.op)
    if op in WITHOUT_VALUE:
        return style
    if op in WITH_LIST:
        listed = plain_value(style.value)
        if not isinstance(listed, list):
            raise FilterValueError(f"The operator {op.value} takes a list.")
        return replace(style, value=tuple(None if item is None else column.clean(item) for item in listed))
    value = column.clean_for(op.positive, plain_value(style.value))
    return replace(style, value=value, to=column.clean(plain_value(style.to)) if op is Op.BETWEEN else None)


def css_finder(column: Column, zone: tzinfo) -> Callable[[Any], str]:
    """Return what finds the classes of a cell by the value of its column, empty for none.

    Args:
        column: a bound column.
        zone: the time zone in which days begin.
    """
    find = style_finder(clean_styles(column), zone, exact=column.choices is not None)

    def css(value: Any) -> str:
        style = find(value)
        return "" if style is None else style.css

    return css
