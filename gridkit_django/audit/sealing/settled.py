"""Up to which id nothing new can appear: the low-water mark, found without making anybody wait.

An id is drawn before its row is written, and rows become visible when their transactions commit, in any order. So a
record with a lower id may come after one with a higher id, and whoever follows the highest id loses some.

On PostgreSQL a transaction that has drawn an id holds a lock on the sequence until it ends. Who holds one after the
newest id was read can be seen in ``pg_locks``; when these have ended, everything up to that id is either visible or
never will be. This asks nobody to wait, and it needs neither ``xmin`` (which wraps around) nor a column of its own
(which means nothing after a restore into another cluster). SQLite lets one transaction write at a time, so there the
order of ids is the order of commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.exceptions import AuditError
from gridkit_django.models import AuditRecord

_NEWEST = """
SELECT s.seq, coalesce(pg_sequence_last_value(s.seq), 0), p.seqcache
FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS seq) s JOIN pg_sequence p ON p.seqrelid = s.seq
"""
_HOLDERS = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = %s::regclass AND pid IS DISTINCT FROM pg_backend_pid()
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _is_revived(holder: str) -> bool:
    """Say whether a holder is a prepared transaction from before a restart: it may be any of those before, renamed."""
    return holder.startswith("-1/")


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known at a moment before the records are read.

    Attributes:
        low: nothing new can appear up to this id.
        waiting: which transactions might still show something up to which id; None for none.
    """

    low: int
    waiting: dict[str, Any] | None


def settled_on_postgres(connection: BaseDatabaseWrapper, low: int, waiting: Mapping[str, Any] | None) -> Settled:
    """Look who is writing; the records must be read after this, in a statement of their own.

    Args:
        connection: to the database; each statement must see what was committed before it (``READ COMMITTED``).
        low: what was known before.
        waiting: who was writing when the last seal was made.

    Raises:
        AuditError: when ids are not drawn from a sequence that hands them out one at a time.
    """
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [connection.ops.quote_name(AuditRecord._meta.db_table)])
        sequence, newest, cache = cursor.fetchone() or (None, 0, 0)
        if cache != 1:
            raise AuditError(
                f"The ids of audit records must come from a sequence with CACHE 1; {sequence} has {cache}. "
                "Connections would keep ids for later, and records would be missed. Run ALTER SEQUENCE … CACHE 1."
            )
        cursor.execute(_HOLDERS, [sequence])
        holders = sorted(row[0] for row in cursor.fetchall())
    if waiting and not set(waiting["holders"]) & set(holders) and not any(map(_is_revived, holders)):
        low = max(low, int(waiting["up_to"]))
    if holders:
        return Settled(low, {"up_to": newest, "holders": holders})
    return Settled(max(low, newest), None)
