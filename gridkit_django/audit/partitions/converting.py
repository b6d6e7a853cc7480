"""Turning the record table into a partitioned one, in place: what is there becomes the first partition, uncopied.

The table gets another name and is attached to a new one of its old name. PostgreSQL must know that every row belongs
to the range that it is attached for. Of a small table it looks itself, which takes less than a second; of a large one a
constraint is proven before, while everybody works on, so that the table is locked for a moment only.
"""

from __future__ import annotations

from functools import partial

from django.db import connections

from gridkit_django.audit.barrier import Barrier
from gridkit_django.audit.barrier_rules import RULES, UPDATE
from gridkit_django.audit.partitions.ahead import AHEAD, partition_size
from gridkit_django.audit.partitions.catalog import (
    TABLE,
    ask,
    execute,
    is_partitioned,
    newest_id,
    quoted,
    require_postgres,
)
from gridkit_django.audit.partitions.locking import with_lock
from gridkit_django.audit.partitions.making import attaching, bounds, making, name_of
from gridkit_django.audit.partitions.obstacles import obstacles
from gridkit_django.audit.partitions.rights import carrying_over, shutting
from gridkit_django.audit.recorder import record
from gridkit_django.audit.runs import HIGHEST, LOWEST
from gridkit_django.audit.targets import Target
from gridkit_django.exceptions import AuditPartitionError

LOOKED_THROUGH = 500_000
"""Records that are looked through under the lock; of more a constraint is proven before."""

MARGIN = 100_000
"""Ids that may be drawn while the constraint is proven."""

_CHECK = "gridkit_first_partition"
_LIKE = "LIKE {} INCLUDING ALL EXCLUDING IDENTITY EXCLUDING INDEXES"

_FACTS = """
SELECT a.attidentity, s.relname, greatest(c.reltuples, 0)::bigint
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id'
JOIN pg_catalog.pg_class s ON s.oid = pg_catalog.pg_get_serial_sequence(%s, 'id')::regclass
WHERE c.oid = pg_catalog.to_regclass(%s)
"""

_INDEXES = """
SELECT c.relname, i.indisprimary, i.indisunique, pg_catalog.pg_get_indexdef(i.indexrelid)
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = pg_catalog.to_regclass(%s) AND i.indisvalid ORDER BY 1
"""


class Conversion:
    """One conversion.

    Args:
        alias: of the database.
        size: ids in a partition; ``partition_size`` when None. The first one takes what is there and so many more.

    Raises:
        AuditPartitionError: when the database is not PostgreSQL, the table is partitioned already, or something hangs
            on it that would not come along.
    """

    def __init__(self, alias: str, *, size: int | None = None) -> None:
        self._connection = connections[alias]
        require_postgres(self._connection)
        if is_partitioned(self._connection):
            raise AuditPartitionError(f"{TABLE} in the database {alias!r} is partitioned already.")
        hanging = obstacles(self._connection)
        if hanging:
            raise AuditPartitionError(
                f"{TABLE} in the database {alias!r} can't be partitioned because of {', '.join(hanging)}. Take that "
                "away first, and make it anew for the new table where it is still needed."
            )
        self._alias = alias
        self._size = size or partition_size(alias)
        names = [quoted(self._connection, TABLE)] * 2
        self._identity, self._sequence, rows = ask(self._connection, _FACTS, *names)[0]
        self._is_large = rows > LOOKED_THROUGH
        # Until the table is locked, others go on drawing ids, and what is proven must stay true.
        self._last = newest_id(self._connection) + max(self._size, MARGIN if self._is_large else 1)

    @property
    def proof(self) -> list[str]:
        """The statements that prove, beside all work, that every row belongs to the first partition."""
        if not self._is_large:
            return []
        table = quoted(self._connection, TABLE)
        return [
            f"ALTER TABLE {table} ADD CONSTRAINT {_CHECK} CHECK (id <= {self._last}) NOT VALID",
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {_CHECK}",
        ]

    @property
    def statements(self) -> list[str]:
        """The statements that give the table its new form."""
        table, first = quoted(self._connection, TABLE), quoted(self._connection, name_of(LOWEST))
        return [
            self._lock,
            # Triggers for each row come from the whole; one of the same name would be in their way.
            f"DROP TRIGGER IF EXISTS {RULES[0].trigger(UPDATE)} ON {table}",
            *self._renaming(),
            f"ALTER TABLE {table} RENAME TO {first}",
            f"CREATE TABLE {table} ({_LIKE.format(first)}) PARTITION BY RANGE (id)",
            *([f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_CHECK}"] if self.proof else []),
            *self._moving_ids(table, first),
            *self._indexing(table),
            *carrying_over(self._connection, TABLE, TABLE),
            attaching(self._connection, name_of(LOWEST), bounds(LOWEST, self._last)),
            *([f"ALTER TABLE {first} DROP CONSTRAINT IF EXISTS {_CHECK}"] if self.proof else []),
            *shutting(self._connection, name_of(LOWEST)),
            *(text for number in range(AHEAD) for text in self._next(number)),
            *making(self._connection, self._last + 1 + AHEAD * self._size, HIGHEST),
        ]

    def run(self) -> None:
        """Convert the table, whole or not at all.

        Raises:
            AuditPartitionBusyError: when the table could not be locked.
        """
        try:
            for statement in self.proof:
                with_lock(self._alias, partial(execute, self._connection, [statement]))
            with_lock(self._alias, self._convert)
        except BaseException:
            # Left there it would refuse records one day.
            remove_leftover(self._alias)
            raise

    def _convert(self) -> None:
        execute(self._connection, [self._lock])
        if not self._is_large:
            self._last = newest_id(self._connection) + self._size
        execute(self._connection, self.statements)
        Barrier(self._connection).make_for_records()
        told = {"did": "convert", "size": self._size}
        record("audit.partition", target=Target("audit-partition", TABLE), evidence=told, using=self._alias)

    @property
    def _lock(self) -> str:
        return f"LOCK TABLE {quoted(self._connection, TABLE)} IN ACCESS EXCLUSIVE MODE"

    def _next(self, number: int) -> list[str]:
        start = self._last + 1 + number * self._size
        return making(self._connection, start, start + self._size - 1)

    def _renaming(self) -> list[str]:
        quote = self._connection.ops.quote_name
        return [f"ALTER INDEX {quote(name)} RENAME TO {quote(f'{name}_p0')}" for name, *_ in self._indexes()]

    def _moving_ids(self, table: str, first: str) -> list[str]:
        """Let a new sequence go on where the old one is, under its name; nobody can draw an id meanwhile."""
        quote, moment = self._connection.ops.quote_name, f"{self._sequence}_new"
        kind = "ALWAYS" if self._identity == "a" else "BY DEFAULT"
        return [
            f"ALTER TABLE {table} ALTER id ADD GENERATED {kind} AS IDENTITY (SEQUENCE NAME {quote(moment)} CACHE 1)",
            f"SELECT pg_catalog.setval('{quote(moment)}', last_value, is_called) FROM {quote(self._sequence)}",  # noqa: S608 - our own names
            f"ALTER TABLE {first} ALTER id DROP IDENTITY",
            f"ALTER SEQUENCE {quote(moment)} RENAME TO {quote(self._sequence)}",
        ]

    def _indexing(self, table: str) -> list[str]:
        """Declare the indexes for the whole; those of the first partition are taken for it as they are."""
        quote = self._connection.ops.quote_name
        found = []
        for name, is_primary, is_unique, definition in self._indexes():
            if is_primary:
                found.append(f"ALTER TABLE {table} ADD CONSTRAINT {quote(name)} PRIMARY KEY (id)")
            else:
                how = definition.partition(" USING ")[2]
                found.append(f"CREATE {'UNIQUE ' if is_unique else ''}INDEX {quote(name)} ON {table} USING {how}")
        return found

    def _indexes(self) -> list[tuple[str, bool, bool, str]]:
        return [tuple(row) for row in ask(self._connection, _INDEXES, quoted(self._connection, TABLE))]


def remove_leftover(alias: str) -> bool:
    """Take away the constraint of a conversion that was killed, and say whether there was one.

    As long as the table is in one piece, the constraint would refuse records from some id on.

    Raises:
        AuditPartitionBusyError: when the table could not be locked.
    """
    connection = connections[alias]
    if not has_leftover(alias):
        return False
    statement = f"ALTER TABLE {quoted(connection, TABLE)} DROP CONSTRAINT IF EXISTS {_CHECK}"
    with_lock(alias, partial(execute, connection, [statement]))
    return True


def has_leftover(alias: str) -> bool:
    """Whether a conversion that was killed, or that goes on, has left its constraint."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return False
    rows = ask(
        connection,
        "SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass(%s) AND conname = %s",
        quoted(connection, TABLE),
        _CHECK,
    )
    return bool(rows)
