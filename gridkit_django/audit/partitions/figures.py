"""How the partitions are: from when to when, how many records, how large, and when they are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connections

from gridkit_django.audit.partitions.catalog import Partition, ask, newest_id, partitions_of, quoted


@dataclass(frozen=True, slots=True)
class PartitionFigures:
    """One partition as people see it.

    Attributes:
        part: the partition.
        rows: about how many records it holds.
        since: time of its first record; None when it is empty.
        until: time of its last one.
        is_open: whether records are still going to it.
    """

    part: Partition
    rows: int
    since: datetime | None
    until: datetime | None
    is_open: bool


def figures_of(alias: str) -> list[PartitionFigures]:
    """Return the partitions of a database, oldest first; none of a table in one piece."""
    connection = connections[alias]
    parts = partitions_of(connection)
    newest = newest_id(connection) if parts else 0
    return [_figures(alias, part, newest) for part in parts]


def _figures(alias: str, part: Partition, newest: int) -> PartitionFigures:
    connection = connections[alias]
    table = quoted(connection, part.name)
    ends: Sequence[Sequence[tuple[int, datetime]]] = [
        ask(connection, f"SELECT id, occurred_at FROM {table} ORDER BY id {order} LIMIT 1")  # noqa: S608 - our own name
        for order in ("ASC", "DESC")
    ]
    if not ends[0]:
        return PartitionFigures(part, 0, None, None, part.last >= newest)
    (first, since), (last, until) = ends[0][0], ends[1][0]
    # Ids have few gaps, so they tell as much as the statistics, which may be old or missing.
    span = last - first + 1
    rows = min(part.rows, span) if part.rows > 0 and part.last < newest else span
    return PartitionFigures(part, rows, since, until, part.last >= newest)
