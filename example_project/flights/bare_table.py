"""A table without its indexes and foreign keys for a while: a first load is some two or three times quicker.

One index is built from all rows in a fraction of the time that its upkeep takes row by row, and so are keys checked.
SQLite can't take a foreign key away; there only the indexes go. All go and come back in the caller's transaction, so
nobody ever sees the table without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

# Indexes of no constraint, and foreign keys; each with the statement that takes it away and the one that makes it.
_PARTS = {
    "postgresql": """
SELECT format('DROP INDEX %%s', index.indexrelid::regclass), pg_get_indexdef(index.indexrelid)
FROM pg_index index
WHERE index.indrelid = %s::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint held WHERE held.conindid = index.indexrelid)
UNION ALL
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint
WHERE conrelid = %s::regclass AND contype = 'f'
""",
    "sqlite": """
SELECT 'DROP INDEX "' || name || '"', sql FROM sqlite_master WHERE type = 'index' AND tbl_name = %s AND sql IS NOT NULL
""",
}


@contextmanager
def bare_table(connection: BaseDatabaseWrapper, model: type[models.Model]) -> Iterator[None]:
    """Take the table's indexes and foreign keys away and put them back.

    Args:
        connection: inside a transaction.
        model: whose table; best an empty one, since all of its rows are read again at the end.
    """
    table = model._meta.db_table
    names = [table] if connection.vendor == "sqlite" else [connection.ops.quote_name(table)] * 2
    with connection.cursor() as cursor:
        cursor.execute(_PARTS[connection.vendor], names)
        parts = cursor.fetchall()
        for drop, _make in parts:
            cursor.execute(drop)
        yield
        for _drop, make in parts:
            cursor.execute(make)
