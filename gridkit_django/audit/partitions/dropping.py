"""Letting a partition go as a whole: detached in a moment, its operations removed in peace, then dropped.

What is between is found and finished by the next purge, so a process may be killed at each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connections, transaction

from gridkit_django.audit.partitions.catalog import (
    DETACHED,
    TABLE,
    Partition,
    ask,
    detached_tables,
    execute,
    is_owner,
    quoted,
)
from gridkit_django.audit.partitions.locking import with_lock
from gridkit_django.audit.runs import Run
from gridkit_django.models import AuditOperation

_ACTS_AT_ONCE = 5000

_ISLANDS = """
SELECT min(id), max(id) FROM (SELECT id, id - row_number() OVER (ORDER BY id) AS island FROM {}) i
GROUP BY island ORDER BY 1
"""

_KEY = "(1735081331, hashtext('detaching ' || current_schema()))"
_LOCK = f"SELECT pg_try_advisory_xact_lock{_KEY}"
_SHARED = f"SELECT pg_advisory_xact_lock_shared{_KEY}"


class _NotNow(Exception):  # noqa: N818 - no error: it takes back what was begun
    """The partition stays for now."""


def runs_in(alias: str, part: Partition) -> list[Run]:
    """Return the runs of ids that a partition holds."""
    connection = connections[alias]
    return [(first, last) for first, last in ask(connection, _ISLANDS.format(quoted(connection, part.name)))]


def detach(alias: str, part: Partition, records: int, tell: Callable[[], bool]) -> bool:
    """Take a partition out of the table, with all that it holds.

    Args:
        alias: of the database.
        part: which one.
        records: how many it must hold.
        tell: called before, in the same transaction: it writes receipt and record, and says whether it may go on.

    Returns:
        Whether it is out; not when it holds something else than expected, or while another process purges.

    Raises:
        AuditPartitionBusyError: when the table could not be locked.
    """
    connection = connections[alias]
    table, name = quoted(connection, TABLE), quoted(connection, part.name)

    def work() -> None:
        if not ask(connection, _LOCK)[0][0]:
            raise _NotNow
        # Nobody writes to the partition from here on; the table itself is locked for the last two statements only.
        execute(connection, [f"LOCK TABLE ONLY {name} IN SHARE MODE"])
        if ask(connection, f"SELECT count(*) FROM {name}")[0][0] != records or not tell():  # noqa: S608 - our own name
            raise _NotNow
        gone = quoted(connection, DETACHED + part.name.removeprefix(TABLE))
        execute(
            connection,
            [f"ALTER TABLE {table} DETACH PARTITION {name}", f"ALTER TABLE {name} RENAME TO {gone}"],
        )

    try:
        with_lock(alias, work)
    except _NotNow:
        return False
    return True


def wait_for_detachment(alias: str) -> None:
    """Keep partitions where they are until the end of the transaction under way, which removes records row by row.

    Otherwise the two could wait for each other, since each needs the table and the partition.
    """
    if connections[alias].vendor == "postgresql":
        ask(connections[alias], _SHARED)


def fold_empty(alias: str, part: Partition) -> bool:
    """Drop a partition that holds nothing, and say whether it is gone.

    Raises:
        AuditPartitionBusyError: when the table could not be locked.
    """
    return detach(alias, part, 0, lambda: True)


def finish_detached(alias: str) -> list[str]:
    """Remove the operations that no record is left of, and drop what was detached; return the names of the tables."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return []
    tables = detached_tables(connection)
    if not tables or not is_owner(connection):
        return []
    for table in tables:
        for acts in _acts(alias, quoted(connection, table)):
            _remove_acts(alias, acts)
        execute(connection, [f"DROP TABLE IF EXISTS {quoted(connection, table)}"])
    return tables


def _acts(alias: str, table: str) -> Iterator[list[Any]]:
    """Yield the ids of the operations of a table's records, some at a time."""
    last: list[Any] = []
    while True:
        where = "WHERE operation_id > %s" if last else ""
        statement = f"SELECT DISTINCT operation_id FROM {table} {where} ORDER BY 1 LIMIT {_ACTS_AT_ONCE}"  # noqa: S608 - our own name
        ids = [row[0] for row in ask(connections[alias], statement, *last)]
        if not ids:
            return
        yield ids
        last = ids[-1:]


def _remove_acts(alias: str, ids: list[Any]) -> None:
    connection = connections[alias]
    acts, records = quoted(connection, AuditOperation._meta.db_table), quoted(connection, TABLE)
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {acts} WHERE id = ANY(%s) "  # noqa: S608 - our own names
            f"AND NOT EXISTS (SELECT 1 FROM {records} r WHERE r.operation_id = {acts}.id)",
            [ids],
        )
