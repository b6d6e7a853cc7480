"""Questions to the audit trail, answered page by page; a page starts at a key, so the last one costs as the first."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connections

from gridkit_django.exceptions import AuditSearchError
from gridkit_django.models import AuditRecord
from gridkit_django.models.append_only import AppendOnlyQuerySet

READ = "audit.read"
"""The action of records that tell who read the trail."""


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """What somebody looks for; an empty member fits every record.

    Attributes:
        actor: id of the actor.
        actor_kind: kind of the actor, such as ``user``.
        action: what was done; with ``*`` at the end everything that begins so, like ``row.*``.
        target_type: kind of the target.
        target_id: id of the target; needs its type.
        grid: id of the grid; ``-`` for records of none.
        since: earliest time.
        until: time before which it was done.
        field: a field that was changed; needs a target type or a grid.
        source: door through which it came.
        correlation: correlation id.
        operation: id of the act.
        reads: whether records of reading the trail are wanted, too.
    """

    actor: str = ""
    actor_kind: str = ""
    action: str = ""
    target_type: str = ""
    target_id: str = ""
    grid: str = ""
    since: datetime | None = None
    until: datetime | None = None
    field: str = ""
    source: str = ""
    correlation: str = ""
    operation: uuid.UUID | None = None
    reads: bool = True

    def require_sense(self) -> None:
        """Refuse questions that no index helps to answer.

        Raises:
            AuditSearchError: for an id without its type, a field without the kind of thing that has it, and a NUL.
        """
        for name, value in self.told().items():
            if "\x00" in str(value):
                raise AuditSearchError.at(f"?{name}", "Records hold no NUL character.")
        if self.target_id and not self.target_type:
            raise AuditSearchError.at("?target_id", "Say of which kind the target is, too: target_type.")
        if self.field and not (self.target_type or self.grid):
            raise AuditSearchError.at("?field", "Say whose field it is, too: target_type or grid.")

    def told(self) -> dict[str, Any]:
        """Return what is asked for as JSON, without what is not."""
        values = {key: value for key, value in asdict(self).items() if value not in ("", None)}
        values.pop("reads")
        return {key: value if isinstance(value, str) else _text(value) for key, value in values.items()}

    def seal(self) -> str:
        """Return a short digest of the question, so that a cursor of one is no cursor of another."""
        text = json.dumps([self.told(), self.reads], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def records(self, using: str | None = None) -> AppendOnlyQuerySet[AuditRecord]:
        """Return the records that fit, in no order.

        Args:
            using: alias of the database, the router's choice when None.
        """
        rows = AuditRecord.objects.using(using).filter(**self._conditions())
        if self.action.endswith("*"):
            rows = rows.filter(action__startswith=self.action[:-1])
        if not self.reads:
            rows = rows.exclude(action=READ)
        return rows  # type: ignore[return-value]

    def _conditions(self) -> dict[str, Any]:
        wanted = {
            "actor_id": self.actor,
            "actor_kind": self.actor_kind,
            "action": "" if self.action.endswith("*") else self.action,
            "target_type": self.target_type,
            "target_id": self.target_id,
            "occurred_at__gte": self.since,
            "occurred_at__lt": self.until,
            "changes__has_key": self.field,
            "operation__source": self.source,
            "operation__correlation_id": self.correlation,
            "operation": self.operation,
        }
        given = {name: value for name, value in wanted.items() if value not in ("", None)}
        return {**given, "grid": "" if self.grid == "-" else self.grid} if self.grid else given


def page_of(
    search: AuditSearch, size: int, *, before: int | None = None, after: int | None = None, using: str | None = None
) -> list[AuditRecord]:
    """Return up to ``size`` records, newest first.

    Args:
        search: what is looked for.
        size: records at most.
        before: only records older than the one with this key.
        after: only records newer than the one with this key; those next to it.
        using: alias of the database, the router's choice when None.
    """
    rows = search.records(using)
    if after is not None:
        return list(rows.filter(pk__gt=after).order_by("pk")[:size])[::-1]
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:size])


def estimated_count(using: str) -> int | None:
    """Return about how many records there are, or None when the database can't tell without counting.

    Args:
        using: alias of the database.
    """
    connection = connections[using]
    table = AuditRecord._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT sum(greatest(c.reltuples, 0)) FROM pg_class c WHERE c.oid = %s::regclass"
                " OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %s::regclass)",
                [table, table],
            )
        else:
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"SELECT max(id) - min(id) + 1 FROM {quoted}")  # noqa: S608 - the name of our own table
        (count,) = cursor.fetchone()
    return int(count) if count else None


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
