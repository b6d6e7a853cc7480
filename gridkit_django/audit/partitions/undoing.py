"""Back to one piece: the largest partition becomes the table, and the records of the others are copied to it."""

from __future__ import annotations

from functools import cached_property

from django.db import connections

from gridkit_django.audit.barrier import Barrier
from gridkit_django.audit.barrier_rules import RULES
from gridkit_django.audit.partitions.catalog import (
    TABLE,
    Partition,
    ask,
    execute,
    partitions_of,
    quoted,
    require_partitioned,
)
from gridkit_django.audit.partitions.locking import with_lock
from gridkit_django.audit.partitions.obstacles import obstacles
from gridkit_django.audit.partitions.rights import carrying_over
from gridkit_django.audit.recorder import record
from gridkit_django.audit.targets import Target
from gridkit_django.exceptions import AuditPartitionError
from gridkit_django.models import AuditRecord

_INDEXES = """
SELECT mine.relname, whole.relname
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class mine ON mine.oid = i.indexrelid
JOIN pg_catalog.pg_inherits h ON h.inhrelid = mine.oid JOIN pg_catalog.pg_class whole ON whole.oid = h.inhparent
WHERE i.indrelid = pg_catalog.to_regclass(%s) ORDER BY 1
"""

_IDENTITY = """
SELECT a.attidentity, s.relname
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class s ON s.oid = pg_catalog.pg_get_serial_sequence(%s, 'id')::regclass
WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attname = 'id'
"""


class Reversal:
    """One way back. All of it is one transaction that keeps writers and readers out until the copies are made.

    Args:
        alias: of the database.

    Raises:
        AuditPartitionError: when the table is not partitioned, or something hangs on it that would not come along.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._connection = connections[alias]
        require_partitioned(self._connection)
        hanging = obstacles(self._connection)
        if hanging:
            raise AuditPartitionError(
                f"{TABLE} in the database {alias!r} can't be put together because of {', '.join(hanging)}. Take that "
                "away first."
            )
        parts = partitions_of(self._connection)
        self._base = max(parts, key=lambda part: (part.bytes, not part.is_rest))
        self._others = [part for part in parts if part is not self._base]

    @property
    def copied(self) -> int:
        """About how many records have to be copied."""
        return sum(self._rows(part) for part in self._others)

    @cached_property
    def statements(self) -> list[str]:
        """The statements that put the table together."""
        table, base = quoted(self._connection, TABLE), quoted(self._connection, self._base.name)
        names = [table] * 2
        identity, sequence = ask(self._connection, _IDENTITY, *names)[0]
        kept, moment = quoted(self._connection, sequence), quoted(self._connection, f"{sequence}_new")
        kind = "ALWAYS" if identity == "a" else "BY DEFAULT"
        indexes = ask(self._connection, _INDEXES, base)
        return [
            f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
            f"ALTER TABLE {table} DETACH PARTITION {base}",
            *map(self._copying, self._others),
            f"ALTER TABLE {base} ALTER id ADD GENERATED {kind} AS IDENTITY (SEQUENCE NAME {moment} CACHE 1)",
            f"SELECT pg_catalog.setval('{moment}', last_value, is_called) FROM {kept}",  # noqa: S608 - our own names
            *carrying_over(self._connection, TABLE, self._base.name),
            f"DROP TABLE {table}",
            f"ALTER SEQUENCE {moment} RENAME TO {kept}",
            f"ALTER TABLE {base} RENAME TO {table}",
            *(
                f"ALTER INDEX {quoted(self._connection, mine)} RENAME TO {quoted(self._connection, whole)}"
                for mine, whole in indexes
            ),
            *(f"DROP TRIGGER IF EXISTS {name} ON {table}" for name in RULES[0].triggers("postgresql")),
        ]

    def run(self) -> None:
        """Put the table together, whole or not at all.

        Raises:
            AuditPartitionBusyError: when the table could not be locked.
        """
        with_lock(self._alias, self._revert)

    def _revert(self) -> None:
        execute(self._connection, self.statements)
        Barrier(self._connection).make_for_records()
        record("audit.partition", target=Target("audit-partition", TABLE), evidence={"did": "undo"}, using=self._alias)

    def _copying(self, part: Partition) -> str:
        fields = AuditRecord._meta.local_concrete_fields
        columns = ", ".join(quoted(self._connection, str(field.column)) for field in fields)
        base, other = (quoted(self._connection, item.name) for item in (self._base, part))
        return f"INSERT INTO {base} ({columns}) SELECT {columns} FROM {other}"  # noqa: S608 - our own names

    def _rows(self, part: Partition) -> int:
        statement = f"SELECT count(*) FROM {quoted(self._connection, part.name)}"  # noqa: S608 - our own name
        return int(ask(self._connection, statement)[0][0])
