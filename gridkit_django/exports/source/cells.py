"""Turns what the database gave into the values that a writer gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any, TypeAlias

from gridkit_django.exports.source.keylabels import KeyName
from gridkit_django.exports.source.plainness import shows_stored
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.labels import read_labels

Cells: TypeAlias = Sequence[Any]
Conversion: TypeAlias = Callable[..., Cells]
"""Turns the values of one column in many rows, and of what else was read for it."""


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


def naming(access: GridAccess, column: Column, *, read: bool, grouped: bool) -> Conversion:
    """Return what turns a column's keys into their labels; a key without one stays.

    Args:
        access: the grid and the user.
        column: the column.
        read: the labels were read beside the keys; else they are asked for here.
        grouped: the column makes groups.
    """
    name = KeyName if grouped else _plain_name

    def read_beside(keys: Cells, labels: Cells) -> Cells:
        wires = column.to_wires(keys) if grouped else keys
        return [name(label, wire) if label else key for key, label, wire in zip(keys, labels, wires, strict=True)]

    def asked_for(keys: Cells) -> Cells:
        wires = [wire if isinstance(wire, (str, int)) else None for wire in column.to_wires(keys)]
        labels = read_labels(access, {column.id: {wire for wire in wires if wire is not None}}).get(column.id, {})
        return read_beside(keys, [labels.get(wire) for wire in wires])

    return read_beside if read else asked_for


def convert_rows(
    found: Sequence[Sequence[Any]], places: Sequence[Sequence[int]], conversions: Sequence[Conversion | None]
) -> Sequence[Sequence[Any]]:
    """Turn read tuples into rows, column by column and not row by row.

    Args:
        found: what was read.
        places: for each column, where in a tuple its value is, and after it what else was read for it.
        conversions: for each column, what turns its values.
    """
    held = list(zip(*found, strict=True))
    cells = [
        held[place[0]] if convert is None else convert(*(held[one] for one in place))
        for place, convert in zip(places, conversions, strict=True)
    ]
    return list(zip(*cells, strict=True))


def _in_zone(values: Cells, *, zone: tzinfo) -> Cells:
    """Return points in time as the zone's clocks show them; naive values (USE_TZ off) are as the clocks showed."""
    return [
        value if value is None or value.tzinfo is None or value.tzinfo is zone else value.astimezone(zone)
        for value in values
    ]


def _plain_name(text: str, _key: Any) -> str:
    return text


def _labelled(values: Cells, *, by_value: dict[Any, str]) -> Cells:
    return [by_value.get(value, value) for value in values]
