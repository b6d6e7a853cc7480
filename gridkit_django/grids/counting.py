"""Counts that say what they are: exact, at least, an estimate, or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryTooSlowError
from gridkit_django.grids.known_questions import known_rows
from gridkit_django.grids.query import CountMode
from gridkit_django.grids.registry import grid_registry
from gridkit_django.grids.time_limit import time_limit
from gridkit_django.typing import MutableJSONObject


class CountKind(StrEnum):
    """What a count is worth."""

    EXACT = "exact"
    AT_LEAST = "atLeast"
    ESTIMATE = "estimate"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows and what it is worth.

    Attributes:
        value: the number, or None when it is unknown.
        kind: its worth.
    """

    value: int | None
    kind: CountKind

    def to_dict(self) -> MutableJSONObject:
        """Write the count as JSON."""
        return {"value": self.value, "is": self.kind.value}


UNKNOWN = Count(None, CountKind.UNKNOWN)


def count_queryset(rows: QuerySet[Any], mode: CountMode, *, key: str = "pk") -> Count:
    """Count rows with at most one query over them.

    Args:
        rows: the filtered rows.
        mode: how much work may be spent. ``capped`` stops at the setting ``COUNT_CAP``. ``estimated`` asks
            PostgreSQL's catalogue when nothing narrows the rows and there are many; else it is ``capped``, and says so.
        key: what a capped count reads of each row.

    Returns:
        The count; ``unknown`` when it would take the database longer than the setting ``COUNT_MS_MAX``.
    """
    if mode is CountMode.NONE:
        return UNKNOWN
    try:
        with time_limit(rows.db, settings().COUNT_MS_MAX):
            if mode is CountMode.EXACT:
                return Count(rows.order_by().count(), CountKind.EXACT)
            estimate = _estimated(rows) if mode is CountMode.ESTIMATED else None
            return estimate or _capped(rows, key)
    except QueryTooSlowError:
        return UNKNOWN


def _capped(rows: QuerySet[Any], key: str) -> Count:
    cap = settings().COUNT_CAP
    found = _number_of(rows, key, cap + 1)
    return Count(cap, CountKind.AT_LEAST) if found > cap else Count(found, CountKind.EXACT)


def _number_of(rows: QuerySet[Any], key: str, most: int) -> int:
    """Count the rows up to ``most``. ``QuerySet.count`` builds and writes the question twice for that."""

    def asking(these: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        return these.order_by().values(key)[:most]

    known = known_rows(rows)
    try:
        if known is None:
            sql, parameters = asking(rows).query.get_compiler(rows.db).as_sql()
        else:
            facts = ("count", known.facts, key, most)
            statement = grid_registry().questions.statement(rows.db, facts, lambda: asking(known.rows))
            sql, parameters = statement.sql, statement.parameters(known.given)
    except EmptyResultSet:
        return 0
    with connections[rows.db].cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({sql}) counted", parameters)  # noqa: S608 - Django wrote it
        return int(cursor.fetchone()[0])


def _estimated(rows: QuerySet[Any]) -> Count | None:
    """Return the catalogue's estimate, or None when it would not be one for these rows.

    ``pg_class.reltuples`` is -1 before the first ANALYZE (PostgreSQL 14 and newer); small tables are counted instead.
    """
    connection = connections[rows.db]
    query = rows.query
    if connection.vendor != "postgresql" or query.where or query.distinct or query.is_sliced or query.group_by:
        return None
    table = connection.ops.quote_name(rows.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)", [table])
        found = cursor.fetchone()
    estimate = int(found[0]) if found else -1
    return Count(estimate, CountKind.ESTIMATE) if estimate > settings().COUNT_CAP else None
