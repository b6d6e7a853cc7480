"""What PostgreSQL knows of the triggers: where the tables are, and what is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.triggers.code import MARK
from gridkit_django.exceptions import AuditTriggerError


@dataclass(frozen=True, slots=True)
class Installed:
    """A function of ours in the database, with its trigger.

    Attributes:
        schema: of the function.
        function: its name.
        body: its code.
        settings: of the function.
        definer: whether it runs with the rights of its owner.
        comment: with the digest of what was installed.
        table: the table of its trigger; None when it has none.
        trigger: the trigger's name, None when it has none.
        enabled: whether the trigger fires.
        table_schema: the schema of the table.
    """

    schema: str
    function: str
    body: str
    settings: tuple[str, ...]
    definer: bool
    comment: str
    table: str | None
    trigger: str | None
    enabled: bool
    table_schema: str | None


_INSTALLED = """
SELECT n.nspname, p.proname, p.prosrc, COALESCE(p.proconfig, '{}'), p.prosecdef, d.description,
  c.relname, t.tgname, COALESCE(t.tgenabled IN ('O', 'A'), false),
  (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = c.relnamespace)
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass
LEFT JOIN pg_catalog.pg_trigger t ON t.tgfoid = p.oid AND t.tgparentid = 0
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE p.proname LIKE 'gridkit\\_audit\\_%%' AND d.description LIKE %s AND n.nspname = ANY(%s)
ORDER BY 1, 2, 7, 8
"""


def installed(connection: BaseDatabaseWrapper, schemas: Sequence[str]) -> list[Installed]:
    """Return our functions in some schemas."""
    with connection.cursor() as cursor:
        cursor.execute(_INSTALLED, [f"{MARK}%", list(schemas)])
        rows = cursor.fetchall()
    return [
        Installed(schema, function, body, tuple(options), definer, comment, *trigger)
        for schema, function, body, options, definer, comment, *trigger in rows
    ]


def schemas_of(connection: BaseDatabaseWrapper, tables: Sequence[str]) -> Mapping[str, str]:
    """Return the schema of each table, as the search path of the connection finds it.

    Raises:
        AuditTriggerError: when a table is not there, or is a view or a foreign table, which can't have the triggers.
    """
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.name, n.nspname, c.relkind FROM unnest(%s::text[], %s::text[]) AS w(name, quoted) "
            "LEFT JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(w.quoted) "
            "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
            [list(tables), [quote(table) for table in tables]],
        )
        rows = cursor.fetchall()
    found = {}
    for name, schema, kind in rows:
        if kind not in ("r", "p"):
            what = "is not there" if kind is None else "is no ordinary table"
            raise AuditTriggerError(
                f"The table {name!r} {what}, so it can't have the audit triggers. Run migrate first."
            )
        found[name] = schema
    return found


def partitions_of(connection: BaseDatabaseWrapper, schema: str, table: str) -> list[tuple[str, str]] | None:
    """Return schema and name of each partition of a table, those of partitions included; None when it can't have any.

    Partitions that are foreign tables are left out: they can't have the triggers.
    """
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, c.relname, c.relkind, t.level FROM pg_catalog.pg_partition_tree(%s::regclass) t "
            "JOIN pg_catalog.pg_class c ON c.oid = t.relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "ORDER BY 1, 2",
            [f"{quote(schema)}.{quote(table)}"],
        )
        rows = cursor.fetchall()
    if not rows:
        return None
    return [(place, name) for place, name, kind, level in rows if level and kind in ("r", "p")]
