"""Values of other grids: texts that stand for typed values, and days that are written as points in time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, time, tzinfo
from typing import Any

from gridkit_django.grids.columns import BooleanColumn, ChoiceColumn, Column, DateColumn
from gridkit_django.grids.dialects.questions import Leaf

_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]00:00(?::00(?:\.0{1,9})?)?", re.ASCII)
_TRUTH = {"true": True, "false": False}


def typed_value(column: Column | None, raw: Any) -> Any:
    """Return the value that a text stands for, where a grid knows texts only.

    Args:
        column: the column that the value belongs to, or None when the user sees none of this name.
        raw: what was sent; anything but such a text is returned as it is, for the engine to judge.
    """
    if not isinstance(raw, str):
        return raw
    if isinstance(column, BooleanColumn):
        return _TRUTH.get(raw.lower(), raw)
    if isinstance(column, ChoiceColumn):
        return next((value for value, _label in column.choices if str(value) == raw), raw)
    return raw


def any_of(leaf: Leaf, column: Column | None) -> Leaf:
    """Return the condition "one of these values", or "none of these", with the values in their types.

    Args:
        leaf: the condition with ``in`` or ``nin``, and its values as they were sent.
        column: the column, or None when the user sees none of this name.
    """
    return replace(leaf, value=[typed_value(column, value) for value in leaf.value])


def day_of_midnight(raw: Any) -> Any:
    """Return the day of a local midnight like ``2024-05-01 00:00:00``; anything else is returned as it is."""
    found = _MIDNIGHT.fullmatch(raw) if isinstance(raw, str) else None
    return found.group(1) if found else raw


def day_of_point(column: Column | None, raw: Any, zone: tzinfo) -> Any:
    """Return the day that a point in time means on a column of days; anything else is returned as it is.

    Browsers write a picked day as its first moment, often in UTC. In the grid's zone that must be a midnight again:
    of another moment it is not known which day was meant.
    """
    if not isinstance(column, DateColumn) or not isinstance(raw, str):
        return raw
    raw = day_of_midnight(raw)
    point = point_in_time(raw)
    if point is None or point.tzinfo is None:
        return raw
    local = point.astimezone(zone)
    return local.date().isoformat() if local.time() == time.min else raw


def point_in_time(raw: Any) -> datetime | None:
    """Return the point in time that a text in ISO 8601 names, or None when it names none or a whole day."""
    if not isinstance(raw, str) or len(raw) <= len("2024-05-01"):
        return None
    try:
        return datetime.fromisoformat(raw)
    except ValueError:
        return None
