"""What the catalog of PostgreSQL says of the record table and its partitions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.runs import HIGHEST, LOWEST, Run
from gridkit_django.exceptions import AuditPartitionError
from gridkit_django.models import AuditRecord

TABLE = AuditRecord._meta.db_table
REST = f"{TABLE}_rest"
"""The last partition: it is for all ids after the others, so that a write never fails for want of one.

A default partition would do so, too, but with one PostgreSQL merges all partitions to read them by id, the newest page
of the trail included; with ranges only it begins at the end and stops when it has enough.
"""

DETACHED = f"{TABLE}_gone"
"""How the name of a partition begins whose records were removed and that is not dropped yet."""

_BOUNDS = re.compile(r"FOR VALUES FROM \((MINVALUE|'?-?\d+'?)\) TO \((MAXVALUE|'?-?\d+'?)\)")

_PARTITIONS = """
SELECT c.relname, pg_catalog.pg_get_expr(c.relpartbound, c.oid), c.reltuples::bigint,
  pg_catalog.pg_total_relation_size(c.oid)
FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = pg_catalog.to_regclass(%s)
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition.

    Attributes:
        name: of its table.
        first: the lowest id that belongs to it.
        last: the highest one.
        is_rest: whether it is the last one, which takes what comes after those that are made ahead.
        rows: about how many records it holds, as the database estimates; -1 when it does not know.
        bytes: what it takes on the disk, indexes included.
    """

    name: str
    first: int
    last: int
    is_rest: bool
    rows: int
    bytes: int

    @property
    def ids(self) -> Run:
        """The ids that belong to it."""
        return (self.first, self.last)


def require_postgres(connection: BaseDatabaseWrapper) -> None:
    """Refuse other databases.

    Raises:
        AuditPartitionError: when the database is not PostgreSQL.
    """
    if connection.vendor != "postgresql":
        raise AuditPartitionError(
            f"Partitions are PostgreSQL's only; the database {connection.alias!r} is {connection.display_name}. "
            "There gridkit_audit_purge removes records row by row."
        )


def require_partitioned(connection: BaseDatabaseWrapper) -> None:
    """Refuse a table that is in one piece.

    Raises:
        AuditPartitionError: when it is, or when the database is not PostgreSQL.
    """
    require_postgres(connection)
    if not is_partitioned(connection):
        raise AuditPartitionError(
            f"{TABLE} in the database {connection.alias!r} is not partitioned. Run gridkit_audit_partition convert."
        )


def is_partitioned(connection: BaseDatabaseWrapper) -> bool:
    """Whether the record table is partitioned by ranges of ids."""
    if connection.vendor != "postgresql":
        return False
    told = ask(connection, "SELECT pg_catalog.pg_get_partkeydef(pg_catalog.to_regclass(%s))", quoted(connection, TABLE))
    return bool(told) and told[0][0] == "RANGE (id)"


def partitions_of(connection: BaseDatabaseWrapper) -> list[Partition]:
    """Return the partitions of the record table by their ids; none of a table in one piece."""
    if connection.vendor != "postgresql":
        return []
    found = [_partition(*row) for row in ask(connection, _PARTITIONS, quoted(connection, TABLE))]
    return sorted((item for item in found if item is not None), key=lambda item: item.first)


def newest_id(connection: BaseDatabaseWrapper) -> int:
    """Return the newest id that was drawn; 0 before the first."""
    sequence = "pg_catalog.pg_get_serial_sequence(%s, 'id')::regclass"
    rows = ask(connection, f"SELECT coalesce(pg_sequence_last_value({sequence}), 0)", quoted(connection, TABLE))
    return int(rows[0][0])


def is_owner(connection: BaseDatabaseWrapper) -> bool:
    """Whether this login may do with the record table what its owner may: change its form, and drop partitions."""
    rows = ask(
        connection,
        "SELECT pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_catalog.pg_class c "
        "WHERE c.oid = pg_catalog.to_regclass(%s)",
        quoted(connection, TABLE),
    )
    return bool(rows and rows[0][0])


def require_owner(connection: BaseDatabaseWrapper) -> None:
    """Refuse logins that can't change the form of the table.

    Raises:
        AuditPartitionError: when this login does not own it.
    """
    if not is_owner(connection):
        raise AuditPartitionError(
            f"This login does not own {TABLE} in the database {connection.alias!r}, so it can make and drop no "
            "partitions. Let the owner do it: the login that runs migrate."
        )


def detached_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the tables that were partitions, whose records were removed, and that are to be dropped."""
    rows = ask(
        connection,
        "SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relkind = 'r' AND NOT c.relispartition "
        "AND starts_with(c.relname, %s) AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1",
        DETACHED,
    )
    return [row[0] for row in rows]


def ask(connection: BaseDatabaseWrapper, statement: str, *values: Any) -> Sequence[Any]:
    """Return the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: Sequence[Any] = cursor.fetchall()
        return rows


def execute(connection: BaseDatabaseWrapper, statements: Sequence[str]) -> None:
    """Execute statements that take no values."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def quoted(connection: BaseDatabaseWrapper, name: str) -> str:
    """Return a name as SQL writes it."""
    return connection.ops.quote_name(name)


def _partition(name: str, bound: str, rows: int, size: int) -> Partition | None:
    found = _BOUNDS.fullmatch(bound)
    if found is None:
        return None
    first = LOWEST if found[1] == "MINVALUE" else int(found[1].strip("'"))
    last = HIGHEST if found[2] == "MAXVALUE" else int(found[2].strip("'")) - 1
    return Partition(name, first, last, is_rest=last == HIGHEST, rows=rows, bytes=size)
