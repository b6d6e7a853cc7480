"""What the barrier refuses, table by table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import models

from gridkit_django.models import (
    AuditCheckpoint,
    AuditOperation,
    AuditPurge,
    AuditRecord,
    AuditSeal,
    AuditSigningKey,
)

UPDATE, DELETE, TRUNCATE = "update", "delete", "truncate"


@dataclass(frozen=True, slots=True)
class Rule:
    """What may not be done to one table.

    Attributes:
        model: the model of the table.
        changeable: columns that may be changed; those of all others never.
        unless: SQL that is true for a row that may go, by database; ``OLD`` is the row. Without it no row may go.
        at_once: whether that SQL, on PostgreSQL, is about all rows of a statement, the table ``gk_old``.
        needs: other tables that the SQL reads.
    """

    model: type[models.Model]
    changeable: frozenset[str] = frozenset()
    unless: dict[str, str] = field(default_factory=dict)
    at_once: bool = False
    needs: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.model._meta.db_table

    @property
    def fixed(self) -> list[str]:
        """The columns that may not be changed."""
        columns: list[Any] = [field.column for field in self.model._meta.local_concrete_fields]
        return [column for column in columns if column not in self.changeable]

    def triggers(self, vendor: str) -> list[str]:
        """Return the names of the triggers on the table."""
        verbs = (UPDATE, DELETE, TRUNCATE) if vendor == "postgresql" else (UPDATE, DELETE)
        return [self.trigger(verb) for verb in verbs]

    def trigger(self, verb: str) -> str:
        """Return the name of the trigger for a verb."""
        return f"gridkit_keep_{verb}_{self.table.removeprefix('gridkit_django_')}"


_PURGES = AuditPurge._meta.db_table
_RECORDS = AuditRecord._meta.db_table

RULES = (
    Rule(
        AuditRecord,
        unless={
            # All receipts in question as one multirange: rows are looked up in it, not compared with each run of ids.
            "postgresql": (
                "NOT EXISTS (SELECT 1 FROM gk_old o CROSS JOIN ("  # noqa: S608 - our own names
                "SELECT range_agg(int8range((s->>0)::bigint, (s->>1)::bigint, '[]')) AS allowed "
                f"FROM {{schema}}.{_PURGES} p, jsonb_array_elements(p.spans) s "
                "WHERE p.last_id >= (SELECT min(id) FROM gk_old) AND p.first_id <= (SELECT max(id) FROM gk_old)"
                ") m WHERE (o.id <@ m.allowed) IS NOT TRUE)"
            ),
            "sqlite": (
                f"EXISTS (SELECT 1 FROM {_PURGES} p, json_each(p.spans) s "  # noqa: S608
                "WHERE OLD.id BETWEEN p.first_id AND p.last_id "
                "AND OLD.id BETWEEN json_extract(s.value, '$[0]') AND json_extract(s.value, '$[1]'))"
            ),
        },
        at_once=True,
        needs=(_PURGES,),
    ),
    Rule(
        AuditOperation,
        unless={
            "postgresql": (
                f"NOT EXISTS (SELECT 1 FROM gk_old o JOIN {{schema}}.{_RECORDS} r ON r.operation_id = o.id)"  # noqa: S608
            ),
            "sqlite": f"NOT EXISTS (SELECT 1 FROM {_RECORDS} r WHERE r.operation_id = OLD.id)",  # noqa: S608
        },
        # One question for all rows, not one for each.
        at_once=True,
        needs=(_RECORDS,),
    ),
    Rule(AuditSeal),
    Rule(AuditPurge),
    Rule(AuditCheckpoint, changeable=frozenset({"told_at"})),
    Rule(AuditSigningKey, changeable=frozenset({"retired_at"})),
)
