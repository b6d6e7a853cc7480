"""The barrier in PostgreSQL: row triggers, so that partitions have them, too, and statement triggers for TRUNCATE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.barrier_rules import DELETE, RULES, TRUNCATE, UPDATE, Rule

_REFUSAL = "Audit records are written once. To correct one, write another record that refers to it."

_REFUSING = """
BEGIN
  IF current_setting('gridkit.barrier', true) = 'off' AND pg_has_role(
    session_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
    RETURN CASE WHEN TG_OP = 'UPDATE' THEN NEW WHEN TG_OP = 'DELETE' THEN OLD END;
  END IF;
  {unless}RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE =
    '{refusal}',
    DETAIL = TG_OP || ' of ' || TG_TABLE_NAME || ' is refused by the barrier of GridKit.';
END
"""
"""Who could disable the triggers may switch them off for a session; for others the setting means nothing."""


def raising(connection: BaseDatabaseWrapper, rules: Sequence[Rule]) -> list[str]:
    """Return the statements that put the barrier up."""
    schema = _schema(connection)
    statements = [_function(f"{schema}.gridkit_keep", "")]
    for rule in rules:
        function = f"{schema}.gridkit_keep"
        condition = rule.unless.get("postgresql")
        if condition:
            function = f"{schema}.{rule.trigger('rows')}"
            unless = f"IF {condition.format(schema=schema)} THEN RETURN OLD; END IF;\n  "
            statements.append(_function(function, unless))
        statements += _triggers(connection, rule, rule.table, schema, function)
    return statements


def dropping(connection: BaseDatabaseWrapper, rules: Sequence[Rule]) -> list[str]:
    """Return the statements that take the barrier away."""
    quote = connection.ops.quote_name
    return [
        f"DROP TRIGGER IF EXISTS {quote(name)} ON {quote(rule.table)}"
        for rule in rules
        for name in rule.triggers("postgresql")
    ]


def standing(connection: BaseDatabaseWrapper) -> frozenset[tuple[str, str]]:
    """Return table and name of each trigger of the barrier that fires."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.tgname FROM pg_catalog.pg_trigger t "
            "JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgname LIKE 'gridkit\\_keep\\_%%' AND t.tgenabled IN ('O', 'A') "
            "AND pg_catalog.pg_table_is_visible(c.oid)",
            [],
        )
        return frozenset(cursor.fetchall())


def guarding_partition(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """Return the statements that guard a partition of the records where it is named itself."""
    schema, rule = _schema(connection), RULES[0]
    return _triggers(connection, rule, table, schema, f"{schema}.{rule.trigger('rows')}")[1:]


def partitions(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the partitions of the record table; none when it is in one piece."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = pg_catalog.to_regclass(%s) ORDER BY 1",
            [connection.ops.quote_name(RULES[0].table)],
        )
        return [row[0] for row in cursor.fetchall()]


def revoking(connection: BaseDatabaseWrapper, rules: Sequence[Rule]) -> list[str]:
    """Return the statements that take rights from everybody who has them and does not own the tables."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, COALESCE(r.rolname, ''), string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) "
            "FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a "
            "LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee "
            "WHERE c.relname = ANY(%s) AND pg_catalog.pg_table_is_visible(c.oid) AND a.grantee <> c.relowner "
            "AND a.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE') GROUP BY 1, 2 ORDER BY 1, 2",
            [[rule.table for rule in rules if not rule.changeable]],
        )
        rows = cursor.fetchall()
    return [
        f"REVOKE {rights} ON {quote(table)} FROM {quote(role) if role else 'PUBLIC'}" for table, role, rights in rows
    ]


def is_owner(connection: BaseDatabaseWrapper, table: str) -> bool:
    """Whether the login of a connection may do with a table what its owner may."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_catalog.pg_has_role(session_user, c.relowner, 'USAGE') FROM pg_catalog.pg_class c "
            "WHERE c.oid = pg_catalog.to_regclass(%s)",
            [connection.ops.quote_name(table)],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def is_aborted(connection: BaseDatabaseWrapper) -> bool:
    """Whether an error has ended the transaction under way, so that nothing can be sent before it is rolled back."""
    driver: Any = connection.connection
    return driver is not None and driver.info.transaction_status == driver.info.transaction_status.INERROR


def _function(name: str, unless: str) -> str:
    body = _REFUSING.format(unless=unless, refusal=_REFUSAL)
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
        f"SET search_path = pg_catalog, pg_temp AS $gridkit${body}$gridkit$"
    )


def _triggers(connection: BaseDatabaseWrapper, rule: Rule, name: str, schema: str, on_delete: str) -> list[str]:
    quote = connection.ops.quote_name
    table, keep = f"{schema}.{quote(name)}", f"{schema}.gridkit_keep"
    columns = f" OF {', '.join(quote(column) for column in rule.fixed)}" if rule.changeable else ""
    moment = "AFTER DELETE" if rule.at_once else "BEFORE DELETE"
    each = "REFERENCING OLD TABLE AS gk_old FOR EACH STATEMENT" if rule.at_once else "FOR EACH ROW"
    return [
        (
            f"CREATE OR REPLACE TRIGGER {rule.trigger(UPDATE)} BEFORE UPDATE{columns} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {keep}()"
        ),
        f"CREATE OR REPLACE TRIGGER {rule.trigger(DELETE)} {moment} ON {table} {each} EXECUTE FUNCTION {on_delete}()",
        (
            f"CREATE OR REPLACE TRIGGER {rule.trigger(TRUNCATE)} BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {keep}()"
        ),
    ]


def _schema(connection: BaseDatabaseWrapper) -> str:
    """Return the schema of the audit tables, quoted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = pg_catalog.to_regclass(%s)",
            [connection.ops.quote_name(RULES[0].table)],
        )
        return str(cursor.fetchone()[0])
