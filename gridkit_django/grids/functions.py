"""The functions that aggregate the values of a column, by name and by what they take."""

from __future__ import annotations

from enum import StrEnum


class Fn(StrEnum):
    """One aggregate function, spelled as on the wire. None of them but ``count`` sees rows without a value."""

    COUNT = "count"
    """How many rows have a value; without a column, how many rows there are."""
    COUNT_DISTINCT = "countDistinct"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


COUNTS = (Fn.COUNT, Fn.COUNT_DISTINCT)
EXTREMES = (*COUNTS, Fn.MIN, Fn.MAX)
SUMS = (*EXTREMES, Fn.SUM, Fn.AVG)
