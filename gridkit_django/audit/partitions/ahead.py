"""Partitions for what is still to come, made before it comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from gridkit_django.audit.barrier import Barrier
from gridkit_django.audit.partitions.catalog import (
    REST,
    TABLE,
    Partition,
    ask,
    execute,
    newest_id,
    partitions_of,
    quoted,
    require_owner,
    require_partitioned,
)
from gridkit_django.audit.partitions.locking import with_lock
from gridkit_django.audit.partitions.making import attaching, bounds, making, name_of
from gridkit_django.audit.recorder import record
from gridkit_django.audit.runs import HIGHEST
from gridkit_django.audit.targets import Target
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditPartitionError
from gridkit_django.models import AuditRecord

AHEAD = 2
"""Partitions that are there, whole and empty, beyond the one that is being filled."""

SIZE_MIN, SIZE_MAX = 100_000, 100_000_000
"""Ids of a partition, where the settings don't say."""

_MONTH = timedelta(days=30)
_DAY = timedelta(days=1)

_LOCK = "SELECT pg_advisory_xact_lock(1735081331, hashtext('partitions ' || current_schema()))"


def partition_size(alias: str) -> int:
    """Return how many ids the next partition is for: ``AUDIT_PARTITION_RECORDS``, else about a month of records."""
    return settings().AUDIT_PARTITION_RECORDS or min(max(_rounded(month_of_ids(alias)), SIZE_MIN), SIZE_MAX)


def month_of_ids(alias: str) -> int:
    """Return about how many ids a month takes, from what the last 30 days took; 0 when nothing was recorded."""
    now = timezone.now()
    recent = AuditRecord.objects.using(alias).select_related(None).filter(occurred_at__gte=now - _MONTH)
    first = recent.order_by("occurred_at").values_list("id", "occurred_at").first()
    if first is None:
        return 0
    drawn, passed = newest_id(connections[alias]) - first[0] + 1, max(now - first[1], _DAY)
    return int(drawn * (_MONTH / passed))


def make_ahead(alias: str) -> list[str]:
    """Make the partitions that are lacking ahead, and return their names.

    Records that landed in the last partition meanwhile become a partition as they are.

    Raises:
        AuditPartitionError: when the table is not partitioned, or records with foreign ids are in the way.
        AuditPartitionBusyError: when the table could not be locked.
    """
    connection = connections[alias]
    require_partitioned(connection)
    require_owner(connection)
    return with_lock(alias, lambda: _make(alias))


def lacking(alias: str, size: int) -> int:
    """Return how many partitions of a size are lacking ahead."""
    connection = connections[alias]
    left = _end(partitions_of(connection)) - newest_id(connection)
    return max(0, -((left - AHEAD * size) // size))


def _make(alias: str) -> list[str]:
    connection, size = connections[alias], partition_size(alias)
    ask(connection, _LOCK)
    if not _is_due(alias, size):
        return []
    execute(connection, [f"LOCK TABLE {quoted(connection, TABLE)} IN ACCESS EXCLUSIVE MODE"])
    made, statements = _plan(alias, size)
    execute(connection, statements)
    for name in (*made, REST):
        Barrier(connection).guard_partition(name)
    told = {"did": "make", "size": size, "partitions": made}
    record("audit.partition", target=Target("audit-partition", TABLE), evidence=told, using=alias)
    return made


def _is_due(alias: str, size: int) -> bool:
    connection = connections[alias]
    parts = partitions_of(connection)
    return not has_rest(parts) or bool(_landed(connection)) or lacking(alias, size) > 0


def _plan(alias: str, size: int) -> tuple[list[str], list[str]]:
    """Return the names of the partitions to make, and the statements. The last partition moves behind them."""
    connection, made, statements = connections[alias], [], []
    table, rest, parts = quoted(connection, TABLE), quoted(connection, REST), partitions_of(connection)
    end, count, keeps_rest = _end(parts), lacking(alias, size), has_rest(parts)
    landed = _landed(connection) if keeps_rest else 0
    if keeps_rest:
        statements.append(f"ALTER TABLE {table} DETACH PARTITION {rest}")
    if landed:
        name, last = name_of(end + 1), landed + size
        statements.append(f"ALTER TABLE {rest} RENAME TO {quoted(connection, name)}")
        statements.append(attaching(connection, name, bounds(end + 1, last)))
        made, end, count, keeps_rest = [name], last, AHEAD, False
    for start in range(end + 1, end + 1 + count * size, size):
        statements += making(connection, start, start + size - 1)
        made.append(name_of(start))
    start = end + 1 + count * size
    if keeps_rest:
        return made, [*statements, attaching(connection, REST, bounds(start, HIGHEST))]
    return made, [*statements, *making(connection, start, HIGHEST)]


def _landed(connection: BaseDatabaseWrapper) -> int:
    """Return the newest id if records have landed in the last partition, else 0.

    Raises:
        AuditPartitionError: when the id of one of them was never drawn.
    """
    highest = ask(connection, f"SELECT max(id) FROM {quoted(connection, REST)}")[0][0]  # noqa: S608 - our own name
    newest = newest_id(connection)
    if highest is not None and highest > newest:
        raise AuditPartitionError(
            f"In {REST} are records whose ids are not from the sequence, {highest} for example. Look who wrote them "
            "(gridkit_audit_verify), and move them away before partitions are made ahead."
        )
    return newest if highest is not None else 0


def has_rest(parts: Sequence[Partition]) -> bool:
    """Whether the last partition is there, which takes what no other is for."""
    return any(part.is_rest for part in parts)


def _end(parts: Sequence[Partition]) -> int:
    """Return the highest id that a partition of its own is for."""
    return max((part.last for part in parts if not part.is_rest), default=0)


def _rounded(number: int) -> int:
    """Round up to two figures."""
    step = int(10 ** max(len(str(number)) - 2, 0))
    return -(-number // step) * step
