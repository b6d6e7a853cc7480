"""What is not as it should be with the partitions of a database."""

from __future__ import annotations

from django.db import connections

from gridkit_django.audit.partitions.ahead import AHEAD, has_rest, lacking, partition_size
from gridkit_django.audit.partitions.catalog import (
    REST,
    TABLE,
    ask,
    detached_tables,
    is_partitioned,
    partitions_of,
    quoted,
)
from gridkit_django.audit.partitions.converting import has_leftover

_LEFTOVER = (
    "A conversion of {} was killed, or goes on, and has left a constraint that will refuse records one day. "
    "Run gridkit_audit_partition convert again, or undo."
)
_AHEAD = "Run gridkit_audit_partition ahead."


def faults_of(alias: str) -> list[str]:
    """Return what a person should see to, each as a sentence; nothing for a table in one piece that is well.

    Args:
        alias: of the database.
    """
    connection = connections[alias]
    if not is_partitioned(connection):
        return [_LEFTOVER.format(TABLE)] if has_leftover(alias) else []
    found = []
    if not has_rest(partitions_of(connection)):
        found.append(f"{TABLE} has no last partition: records would be refused. {_AHEAD}")
    elif ask(connection, f"SELECT 1 FROM {quoted(connection, REST)} LIMIT 1"):  # noqa: S608 - our own name
        found.append(f"Records have landed in {REST}, because no partition was there for them. {_AHEAD}")
    if lacking(alias, partition_size(alias)) >= AHEAD:
        found.append(f"No partition of {TABLE} is there ahead; records will soon land in the last one. {_AHEAD}")
    detached = detached_tables(connection)
    return found + [f"{name} was detached by a purge and not dropped. Run gridkit_audit_purge." for name in detached]
