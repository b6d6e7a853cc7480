"""Turns what the database gave into the values that a writer gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any, TypeAlias

from gridkit_django.exports.source.plainness import shows_stored
from gridkit_django.grids.columns import Column

Cells: TypeAlias = Sequence[Any]
Conversion: TypeAlias = Callable[[Cells], Cells]
"""Turns the values of one column in many rows."""


def conversion(column: Column, zone: tzinfo, *, labels: bool) -> Conversion | None:
    """Return what turns a column's values into what a writer gets, or None for nothing.

    Args:
        column: the column.
        zone: the time zone in which points in time are shown.
        labels: give choices by label instead of by stored value.
    """
    if not shows_stored(column):
        return partial(column.to_wires, zone=zone)
    if column.type == "datetime":
        return partial(_in_zone, zone=zone)
    if labels and column.choices is not None:
        return partial(_labelled, by_value=dict(column.choices))
    return None


def convert_rows(
    found: Sequence[Sequence[Any]], places: Sequence[int], conversions: Sequence[Conversion | None]
) -> Sequence[Sequence[Any]]:
    """Turn read tuples into rows, column by column and not row by row.

    Args:
        found: what was read.
        places: for each column, where in a tuple its value is.
        conversions: for each column, what turns its values.
    """
    held = list(zip(*found, strict=True))
    cells = [
        held[place] if convert is None else convert(held[place])
        for place, convert in zip(places, conversions, strict=True)
    ]
    return list(zip(*cells, strict=True))


def _in_zone(values: Cells, *, zone: tzinfo) -> Cells:
    """Return points in time as the zone's clocks show them; naive values (USE_TZ off) are as the clocks showed."""
    return [
        value if value is None or value.tzinfo is None or value.tzinfo is zone else value.astimezone(zone)
        for value in values
    ]


def _labelled(values: Cells, *, by_value: dict[Any, str]) -> Cells:
    return [by_value.get(value, value) for value in values]
