"""The one source of rows for every format: the grid's own query, read in chunks, in order, with bounded memory.

First the primary keys are read, in the order of the query; then each chunk of keys is read with its columns, through
the same filtered queryset. So the total is known, no read stays open while progress is written (an open read and a
write on one SQLite connection end in "database is locked"), no page is skipped or counted twice, and OFFSET, which
gets slower with every page, is not needed. A row that is deleted or filtered out meanwhile is left out.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import Any

from django.db import models
from django.utils import timezone

from gridkit_django.exceptions import ExportTooLargeError
from gridkit_django.grids import Column
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.quick_points import quick_points
from gridkit_django.grids.rows import compile_query
from gridkit_django.grids.time_limit import computable

CHUNK_ROWS = 2000
_KEYS_PER_READ = 500
"""Keys in one IN list: within the 999 parameters that every SQLite takes, beside the filter's own."""

Rows = list[list[Any]]


class RowSource:
    """The rows of one export.

    Args:
        access: the grid as its user may see it.
        query: sort, filter, search and columns; its window plays no part.
        labels: give choices by label instead of by stored value.

    Attributes:
        columns: the columns, in the order of the values in each row.
        zone: the time zone in which points in time are shown.
    """

    def __init__(self, access: GridAccess, query: GridQuery, *, labels: bool = False) -> None:
        compiled = compile_query(access, query)
        self.columns = compiled.columns
        self.zone = compiled.frame.zone
        self._queryset = compiled.queryset
        paths = list(dict.fromkeys(column.path for column in self.columns))
        self._paths = paths
        self._places = [paths.index(column.path) for column in self.columns]
        self._converters = [_converter(column, self.zone, labels=labels) for column in self.columns]
        self._keys: Sequence[Any] = ()

    def count_up_to(self, limit: int) -> int:
        """Return how many rows there are, counting no farther than ``limit``.

        Raises:
            QueryNotComputableError: when the database can't compute which rows they are.
        """
        with computable():
            return int(self._queryset.order_by()[:limit].count())

    def read_keys(self, limit: int) -> int:
        """Fix which rows are exported, in which order, and return how many they are.

        Args:
            limit: rows at most.

        Raises:
            ExportTooLargeError: when there are more rows than ``limit``.
            QueryNotComputableError: when the database can't compute which rows they are.
        """
        keys = self._queryset.values_list("pk", flat=True)[: limit + 1]
        with computable():
            self._keys = _compact(self._queryset.model, keys.iterator(chunk_size=10_000))
        if len(self._keys) > limit:
            self._keys = ()
            raise ExportTooLargeError(too_large(limit))
        return len(self._keys)

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Rows]:
        """Yield the rows in lists of ``size`` at most.

        Raises:
            QueryNotComputableError: when the database can't compute them.
        """
        for start in range(0, len(self._keys), size):
            yield self._read(self._keys[start : start + size])

    def _read(self, keys: Sequence[Any]) -> Rows:
        rows: Rows = []
        for start in range(0, len(keys), _KEYS_PER_READ):
            part = list(keys[start : start + _KEYS_PER_READ])
            found = self._queryset.filter(pk__in=part).values_list(*self._paths)
            with computable(), quick_points(found.db):
                rows += [self._convert(values) for values in found]
        return rows

    def _convert(self, values: Sequence[Any]) -> list[Any]:
        places = zip(self._places, self._converters, strict=True)
        return [values[place] if convert is None else convert(values[place]) for place, convert in places]


def iter_rows(access: GridAccess, query: GridQuery, *, chunk: int = CHUNK_ROWS, limit: int) -> Iterator[Rows]:
    """Yield all rows of a query in chunks.

    Args:
        access: the grid as its user may see it.
        query: sort, filter, search and columns.
        chunk: rows of one list at most.
        limit: rows in all at most.

    Raises:
        ExportTooLargeError: when there are more rows than ``limit``.
    """
    source = RowSource(access, query)
    source.read_keys(limit)
    yield from source.chunks(chunk)


def too_large(limit: int) -> str:
    """Return the text of a refusal."""
    return f"The selection has more than {limit} rows, the most that this export takes. Filter it further."


def _compact(model: type[models.Model], keys: Any) -> Sequence[Any]:
    """Return whole-number keys in 8 bytes each, others as a list."""
    if isinstance(model._meta.pk, (models.IntegerField, models.AutoField)):
        return array("q", keys)
    return list(keys)


def _converter(column: Column, zone: tzinfo, *, labels: bool) -> Callable[[Any], Any] | None:
    """Return what turns a database value of ``column`` into what a writer gets, or None for nothing."""
    if column.type == "datetime":
        return partial(_in_zone, zone=zone)
    if labels and column.choices is not None:
        by_value = dict(column.choices)
        return lambda value: by_value.get(value, value)
    return None


def _in_zone(value: datetime | None, *, zone: tzinfo) -> datetime | None:
    """Return a point in time as the zone's clocks show it; naive values (USE_TZ off) are as the clocks showed."""
    return value.astimezone(zone) if value is not None and timezone.is_aware(value) else value
