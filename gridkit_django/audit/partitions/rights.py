"""Who may do what with the record table: carried over to its new form, and kept away from its partitions."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.partitions.catalog import TABLE, ask, quoted

_GRANTS = """
SELECT coalesce(r.rolname, ''), a.privilege_type, '' AS attname, a.is_grantable
FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE c.oid = pg_catalog.to_regclass(%s) AND a.grantee <> c.relowner
UNION ALL
SELECT coalesce(r.rolname, ''), a.privilege_type, t.attname, a.is_grantable
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid AND NOT t.attisdropped
CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE c.oid = pg_catalog.to_regclass(%s) AND a.grantee <> c.relowner
ORDER BY 1, 2, 3
"""

_BY_DEFAULT = """
SELECT DISTINCT coalesce(r.rolname, '') FROM pg_catalog.pg_default_acl d
CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE d.defaclobjtype = 'r' AND a.grantee <> d.defaclrole ORDER BY 1
"""

_OWNER = """
SELECT pg_catalog.pg_get_userbyid(c.relowner), pg_catalog.pg_get_userbyid(c.relowner) = current_user
FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)
"""


def carrying_over(connection: BaseDatabaseWrapper, source: str, target: str) -> list[str]:
    """Return the statements that give a new table the owner and the rights of another; nobody else keeps any.

    Args:
        connection: the database.
        source: the table whose rights are taken.
        target: the new table.
    """
    statements = [*_owning(connection, source, target), *_closing(connection, target)]
    for role, right, column, is_grantable in _grants(connection, source):
        of = f" ({quoted(connection, column)})" if column else ""
        option = " WITH GRANT OPTION" if is_grantable else ""
        statements.append(f"GRANT {right}{of} ON {quoted(connection, target)} TO {_role(connection, role)}{option}")
    return statements


def shutting(connection: BaseDatabaseWrapper, partition: str) -> list[str]:
    """Return the statements after which a partition can be read under its own name by readers of the whole, no more.

    Backups read partitions one by one; everybody else goes through the table, whose rights alone count there.

    Args:
        connection: the database.
        partition: its table.
    """
    grants = _grants(connection, TABLE)
    readers = sorted({role for role, right, column, _ in grants if right == "SELECT" and not column})
    granted = sorted({role for role, *_ in grants})
    table = quoted(connection, partition)
    return [
        *_owning(connection, TABLE, partition),
        *_closing(connection, partition),
        *(f"REVOKE ALL ON {table} FROM {_role(connection, role)}" for role in granted),
        *(f"GRANT SELECT ON {table} TO {_role(connection, role)}" for role in readers),
    ]


def _owning(connection: BaseDatabaseWrapper, source: str, target: str) -> list[str]:
    owner, is_me = ask(connection, _OWNER, quoted(connection, source))[0]
    return [] if is_me else [f"ALTER TABLE {quoted(connection, target)} OWNER TO {quoted(connection, owner)}"]


def _closing(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """Take back what rights by default have given; the barrier's ``revoke`` may have taken them away before."""
    roles = [row[0] for row in ask(connection, _BY_DEFAULT)]
    return [f"REVOKE ALL ON {quoted(connection, table)} FROM {_role(connection, role)}" for role in roles]


def _grants(connection: BaseDatabaseWrapper, table: str) -> list[tuple[str, str, str, bool]]:
    name = quoted(connection, table)
    return [tuple(row) for row in ask(connection, _GRANTS, name, name)]


def _role(connection: BaseDatabaseWrapper, name: str) -> str:
    return quoted(connection, name) if name else "PUBLIC"
