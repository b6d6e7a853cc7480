"""Taking the audit trail out of a database: what its triggers would do to a site that goes on without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.barrier import drop_before_migrations
from gridkit_django.audit.policies import audit_policies
from gridkit_django.audit.triggers import Triggers
from gridkit_django.exceptions import AuditTriggerError
from gridkit_django.models import AuditHold, AuditRecord

_OURS = """
SELECT format('DROP FUNCTION %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = current_schema() AND p.proname ~ '^gridkit_(keep|keep_rows_.*|audit_write_[0-9a-f]{8})$'
ORDER BY p.proname
"""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What taking the trail out of a database would take away.

    Attributes:
        records: how many audit records there are.
        holds: the names of the legal holds that stand.
        triggers: how many functions with triggers follow tables of the project.
    """

    records: int
    holds: tuple[str, ...]
    triggers: int


def what_would_go(alias: str) -> Leaving:
    """Count what is there.

    Args:
        alias: the database; the tables must be in it.
    """
    held = AuditHold.objects.using(alias).filter(released_at=None).order_by("name")
    return Leaving(
        records=AuditRecord.objects.using(alias).count(),
        holds=tuple(held.values_list("name", flat=True)),
        triggers=len(_triggers(connections[alias])),
    )


def take_triggers_away(alias: str) -> int:
    """Remove the triggers of strict models from the tables of the project, and return how many functions went."""
    connection = connections[alias]
    return len(Triggers(connection, audit_policies().table).remove()) if _triggers(connection) else 0


def drop_functions(alias: str) -> int:
    """Remove the functions that stay behind in PostgreSQL when the tables are gone, and return how many went."""
    connection = connections[alias]
    if connection.vendor != "postgresql" or _has_tables(connection):
        return 0
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        cursor.execute(_OURS)
        statements = [row[0] for row in cursor.fetchall()]
        for statement in statements:
            cursor.execute(statement)
    return len(statements)


def lower_before_migrations(*, using: str, plan: Sequence[tuple[Any, bool]], sender: Any, **more: Any) -> None:
    """Receiver of ``pre_migrate``: take the barrier down, unless the tables would go and leave triggers behind.

    Raises:
        AuditTriggerError: when they would: each write to a strict model would fail from then on.
    """
    first = (sender.label, "0001_tables")
    leaves = any(undone and (migration.app_label, migration.name) == first for migration, undone in plan)
    if leaves and _triggers(connections[using]):
        raise AuditTriggerError(
            "This would remove the audit tables and leave the triggers that write to them: each change of a strict "
            "model would fail from then on. Run manage.py gridkit_uninstall, which takes both away."
        )
    drop_before_migrations(using=using, plan=plan, sender=sender, **more)


def _triggers(connection: BaseDatabaseWrapper) -> list[str]:
    if connection.vendor != "postgresql":
        return []
    return Triggers(connection, audit_policies().table).removal()


def _has_tables(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        return AuditRecord._meta.db_table in connection.introspection.table_names(cursor)
