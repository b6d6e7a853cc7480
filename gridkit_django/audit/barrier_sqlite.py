"""The barrier in SQLite: a trigger for each table and verb (SQLite has no TRUNCATE)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.barrier_rules import DELETE, UPDATE, Rule

_REFUSAL = (
    "SELECT RAISE(ABORT, 'Audit records are written once. To correct one, write another record that refers to it.')"
)


def raising(connection: BaseDatabaseWrapper, rules: Sequence[Rule]) -> list[str]:
    """Return the statements that put the barrier up."""
    quote = connection.ops.quote_name
    # An index of earlier versions: that of the model, over act and record, does what it was for.
    statements = [*dropping(connection, rules), "DROP INDEX IF EXISTS gridkit_keep_operation"]
    for rule in rules:
        columns = f" OF {', '.join(quote(column) for column in rule.fixed)}" if rule.changeable else ""
        unless = f" WHEN NOT {rule.unless['sqlite']}" if rule.unless else ""
        table = quote(rule.table)
        statements += [
            f"CREATE TRIGGER {rule.trigger(UPDATE)} BEFORE UPDATE{columns} ON {table} BEGIN {_REFUSAL}; END",
            f"CREATE TRIGGER {rule.trigger(DELETE)} BEFORE DELETE ON {table}{unless} BEGIN {_REFUSAL}; END",
        ]
    return statements


def dropping(_connection: BaseDatabaseWrapper, rules: Sequence[Rule]) -> list[str]:
    """Return the statements that take the barrier away."""
    return [f"DROP TRIGGER IF EXISTS {name}" for rule in rules for name in rule.triggers("sqlite")]


def standing(connection: BaseDatabaseWrapper) -> frozenset[tuple[str, str]]:
    """Return table and name of each trigger of the barrier."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'gridkit_keep_%'")
        return frozenset(cursor.fetchall())
