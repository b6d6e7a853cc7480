"""The function of PostgreSQL that stores a record and its operation, which the database plans once for each session.

To plan the two INSERTs of a lone record takes the database longer than to carry them out, and to bind their 24 values
takes the driver longer than to send them. The function gets two: the canonical text, which is made for the MAC anyway,
and the MAC. It runs with the rights of its caller, so it opens nothing.

Its name ends with a digest of its code. So each version of GridKit calls its own, and where that is not there (a
database that was not migrated yet, a login that may not call it) records are stored by plain INSERTs. Processes of an
older version may run beside a migration, so its function is only marked by the first one, and dropped by a later one.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.dateparse import parse_datetime

from gridkit_django.models import AuditOperation, AuditRecord

SECONDS = 60.0
"""How long it is taken for missing before the database is asked again."""

KEPT = timedelta(days=1)
"""How long a function is kept for processes of an older version after a newer one was made."""

_MARK = "GridKit: replaced "
_OLDER = """
SELECT p.proname, obj_description(p.oid, 'pg_proc') FROM pg_proc p
WHERE p.pronamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = current_schema())
  AND p.proname ~ '^gridkit_audit_write_[0-9a-f]{8}$' AND p.proname <> %s
  AND pg_get_function_identity_arguments(p.oid) = 'told jsonb, proof bytea' AND pg_has_role(p.proowner, 'USAGE')
"""

_BODY = """
DECLARE
  act jsonb := told->'operation';
  stored bigint;
BEGIN
  INSERT INTO {operations}
    (id, source, correlation_id, impersonator_id, impersonator_label, reason, facts, occurred_at)
  VALUES ((act->>'id')::uuid, act->>'source', act->>'correlationId', act->'impersonator'->>'id',
    act->'impersonator'->>'label', act->>'reason', act->'facts', (act->>'occurredAt')::{moment})
  ON CONFLICT (id) DO NOTHING;
  INSERT INTO {records}
    (uuid, operation_id, action, actor_kind, actor_id, actor_label, target_type, target_id, target_label, grid,
     changes, evidence, related, schema_version, mac, occurred_at)
  VALUES ((told->>'uuid')::uuid, (act->>'id')::uuid, told->>'action', told->'actor'->>'kind', told->'actor'->>'id',
    told->'actor'->>'label', told->'target'->>'type', told->'target'->>'id', told->'target'->>'label',
    told->>'grid', told->'changes', NULLIF(told->'evidence', 'null'), NULLIF(told->'related', 'null'),
    (told->>'form')::smallint, proof, (told->>'occurredAt')::{moment})
  RETURNING id INTO stored;
  RETURN stored;
END
"""


class RecordFunction:
    """Knows the function, and in which databases it is. One for the process."""

    def __init__(self) -> None:
        self._is_there: dict[str, bool] = {}
        self._ask_again: dict[str, float] = {}

    def is_there(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether a PostgreSQL database has the function, and its login may call it."""
        if self._is_there.get(connection.alias):
            return True
        if time.monotonic() < self._ask_again.get(connection.alias, 0.0):
            return False
        connection.ensure_connection()
        # Not through Django's cursor: it is no statement of whoever happens to write first.
        with connection.wrap_database_errors, connection.connection.cursor() as cursor:
            cursor.execute(
                "SELECT has_function_privilege(to_regprocedure(%s), 'execute')", [f"{function_name()}(jsonb,bytea)"]
            )
            found = bool(cursor.fetchone()[0])
        self._is_there[connection.alias] = found
        self._ask_again[connection.alias] = time.monotonic() + SECONDS
        return found

    def forget(self, alias: str) -> None:
        """Ask a database again: a call has failed."""
        self._is_there.pop(alias, None)
        self._ask_again.pop(alias, None)


record_function = RecordFunction()


def function_body() -> str:
    """Return the code of the function."""
    return _BODY.format(
        operations=AuditOperation._meta.db_table,
        records=AuditRecord._meta.db_table,
        moment="timestamptz" if settings.USE_TZ else "timestamp",
    )


def function_name() -> str:
    """Return the name of the function of this version."""
    return f"gridkit_audit_write_{sha256(function_body().encode()).hexdigest()[:8]}"


def make_record_function(*, using: str, **_kwargs: object) -> None:
    """Receiver of ``post_migrate``: make the function, where the tables are in a PostgreSQL database."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if {AuditOperation._meta.db_table, AuditRecord._meta.db_table} <= tables:
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {function_name()}(told jsonb, proof bytea) RETURNS bigint "
                f"LANGUAGE plpgsql AS $gridkit${function_body()}$gridkit$"
            )
            cursor.execute(f"COMMENT ON FUNCTION {function_name()}(jsonb, bytea) IS NULL")
            _drop_older(cursor, datetime.now(UTC))
    record_function.forget(using)


def _drop_older(cursor: Any, now: datetime) -> None:
    """Mark functions of other versions with the time, and drop those that were marked long enough ago."""
    cursor.execute(_OLDER, [function_name()])
    for name, comment in cursor.fetchall():
        marked = parse_datetime((comment or "").removeprefix(_MARK)) if (comment or "").startswith(_MARK) else None
        if marked is None:
            cursor.execute(f"COMMENT ON FUNCTION {name}(jsonb, bytea) IS '{_MARK}{now.isoformat()}'")
        elif marked < now - KEPT:
            cursor.execute(f"DROP FUNCTION IF EXISTS {name}(jsonb, bytea)")
