"""What stands in the way of another form of the record table: what hangs on it and would not come along."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.partitions.catalog import TABLE, ask, is_owner, quoted

_HANGING = """
WITH t AS (SELECT pg_catalog.to_regclass(%s)::oid AS oid)
SELECT 'the view ' || c.relname FROM t, pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  WHERE d.refobjid = t.oid AND d.classid = 'pg_catalog.pg_rewrite'::regclass AND c.oid <> t.oid
UNION SELECT 'the rule ' || r.rulename FROM t, pg_catalog.pg_rewrite r WHERE r.ev_class = t.oid
UNION SELECT 'the foreign key ' || k.conname FROM t, pg_catalog.pg_constraint k
  WHERE k.contype = 'f' AND t.oid IN (k.conrelid, k.confrelid)
UNION SELECT 'the trigger ' || g.tgname FROM t, pg_catalog.pg_trigger g
  WHERE g.tgrelid = t.oid AND NOT g.tgisinternal AND NOT starts_with(g.tgname, 'gridkit_keep_')
UNION SELECT 'the publication ' || p.pubname FROM t, pg_catalog.pg_publication_rel r
  JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = t.oid
UNION SELECT 'its row security' FROM t, pg_catalog.pg_class c WHERE c.oid = t.oid AND c.relrowsecurity
UNION SELECT 'the unique index ' || c.relname FROM t, pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attname = 'id'
  WHERE i.indrelid = t.oid AND i.indisunique AND NOT a.attnum = ANY (i.indkey::smallint[])
UNION SELECT 'its heir or parent ' || i.inhrelid::regclass FROM t, pg_catalog.pg_inherits i
  WHERE t.oid IN (i.inhrelid, i.inhparent) AND NOT EXISTS (
    SELECT 1 FROM pg_catalog.pg_partitioned_table p WHERE p.partrelid = i.inhparent)
UNION SELECT 'its schema, which is not the first of the search path' FROM t, pg_catalog.pg_class c
  WHERE c.oid = t.oid AND c.relnamespace::regnamespace::text <> quote_ident(current_schema())
UNION SELECT 'its ids, which are no identity column' FROM t, pg_catalog.pg_attribute a
  WHERE a.attrelid = t.oid AND a.attname = 'id' AND a.attidentity = ''
ORDER BY 1
"""


def obstacles(connection: BaseDatabaseWrapper) -> list[str]:
    """Return what stands in the way, for a person; nothing for most sites.

    Args:
        connection: the database, PostgreSQL.
    """
    found = [str(row[0]) for row in ask(connection, _HANGING, quoted(connection, TABLE))]
    if not is_owner(connection):
        found.append("the login, which does not own it")
    return found
