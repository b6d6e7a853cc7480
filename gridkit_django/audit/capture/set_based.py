"""Many rows at once: the database writes the records beside the rows, which never travel to Python (PostgreSQL).

These records have no MAC: what no key has seen is guarded by the rights of the database until it is sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DatabaseError
from django.utils import timezone

from gridkit_django.audit.capture import doors
from gridkit_django.audit.capture.plans import Watch
from gridkit_django.audit.capture.values import Field
from gridkit_django.audit.policies import CREATE, DELETE, UPDATE, AuditPolicy
from gridkit_django.audit.sqlentries import Entries, column_of, key_text, label_text
from gridkit_django.audit.sqljson import is_exact
from gridkit_django.audit.writer import (
    OPERATIONS,
    TABLE,
    Circumstances,
    actor_columns,
    operation_statement,
    unavailable,
)
from gridkit_django.events import current_act

MANY = 100
"""Rows from which on the database writes the records; fewer get a MAC at once, and cost little in Python."""

_RECORD = (
    "uuid", "operation_id", "action", "actor_kind", "actor_id", "actor_label", "target_type", "target_id",
    "target_label", "grid", "changes", "schema_version", "occurred_at",
)  # fmt: skip


def policy_in_database(watch: Watch, compiler: Any, action: str) -> AuditPolicy | None:
    """Return the policy by which the database can write the records of a statement itself, or None.

    It can't where other tables tell a part of the change, where values are masked or encrypted by Python, or where a
    record may be left out.
    """
    if compiler.connection.vendor != "postgresql" or watch.policies is None:
        return None
    if watch.links or watch.heirs or watch.lineages:
        return None
    policy, _ = watch.policies.now()
    if policy is None or action not in policy.actions:
        return None
    if policy.mask or policy.encrypt or policy.fail_open or policy.reason_required:
        return None
    exact = all(is_exact(item, compiler.connection) for item in (*watch.keys, *watch.fields))
    return policy if exact else None


class SetBased:
    """Carries out one statement on many rows, with their records.

    Args:
        watch: of the table.
        compiler: of the statement.
        policy: what is told.
    """

    def __init__(self, watch: Watch, compiler: Any, policy: AuditPolicy) -> None:
        self._watch = watch
        self._compiler = compiler
        self._connection = compiler.connection
        self._policy = policy
        self._entries = Entries(policy, self._connection)
        self._table = self._connection.ops.quote_name(watch.model._meta.db_table)

    def insert(self, returning: Sequence[Field]) -> list[doors.Raw]:
        """Carry out an INSERT; the columns that Django wants of each row."""
        columns = list(dict.fromkeys((*returning, *self._watch.keys, *self._watch.fields)))
        self._compiler.returning_fields = columns
        ((sql, params),) = self._compiler.as_sql()
        changes = self._entries.created([(item, "gk_new") for item in self._watch.fields])
        found = f"SELECT {self._key('gk_new')} AS k, {self._label('gk_new')} AS l, {changes} AS c FROM gk_new"  # noqa: S608 - names, no values
        wanted = ", ".join(column_of(item, "gk_new", self._connection) for item in returning) or "1"
        return self._run(CREATE, [f"gk_new AS ({sql})"], params, found, f"SELECT {wanted} FROM gk_new", "true")  # noqa: S608

    def update(self, fields: Sequence[Field]) -> int:
        """Carry out an UPDATE; rows.

        Raises:
            EmptyResultSet: when there is no row to change.
        """
        sql, params = doors.compiled_update(self._compiler)
        head, head_params, where, where_params = doors.split_update(self._compiler, sql, params)
        keys = self._watch.keys
        columns = self._columns(self._table, (*keys, *fields))
        names = [f"gk{at}" for at in range(len(keys))]
        keyed = ", ".join(f"{one} AS {name}" for one, name in zip(self._each("gk_old", keys), names, strict=True))
        same = " AND ".join(
            f"{one} = gk_keys.{name}" for one, name in zip(self._each(self._table, keys), names, strict=True)
        )
        both = " AND ".join(
            f"{old} = {new}" for old, new in zip(self._each("gk_old", keys), self._each("gk_new", keys), strict=True)
        )
        parts = [
            f"gk_old AS MATERIALIZED (SELECT {columns} FROM {self._table}{where} FOR NO KEY UPDATE)",  # noqa: S608
            f"gk_new AS ({head} FROM (SELECT {keyed} FROM gk_old) gk_keys WHERE {same} RETURNING {columns})",  # noqa: S608
        ]
        changes = self._entries.changed(fields, "gk_old", "gk_new")
        named = f"{self._key('gk_new')} AS k, {self._label('gk_new')} AS l"
        found = f"SELECT {named}, {changes} AS c FROM gk_new JOIN gk_old ON {both}"  # noqa: S608
        rows = self._run(UPDATE, parts, (*where_params, *head_params), found, "SELECT count(*) FROM gk_new", "c <> ''")
        return int(rows[0][0])

    def delete(self) -> int:
        """Carry out a DELETE; rows."""
        try:
            sql, params = self._compiler.as_sql()
        except EmptyResultSet:
            return 0
        columns = self._columns(self._table, (*self._watch.keys, *self._watch.fields))
        changes = self._entries.deleted([(item, "gk_old") for item in self._watch.fields])
        found = f"SELECT {self._key('gk_old')} AS k, {self._label('gk_old')} AS l, {changes} AS c FROM gk_old"  # noqa: S608
        parts = [f"gk_old AS ({sql} RETURNING {columns})"]
        return int(self._run(DELETE, parts, params, found, "SELECT count(*) FROM gk_old", "true")[0][0])

    def _run(
        self, action: str, parts: Sequence[str], params: Sequence[Any], found: str, answer: str, told: str
    ) -> list[doors.Raw]:
        act = current_act()
        circumstances = Circumstances.of(act, metadata=self._policy.include_metadata)
        operation, operation_params = operation_statement(self._connection, circumstances)
        policies: Any = self._watch.policies
        _, grid = policies.now()
        sql = (
            f"WITH {', '.join(parts)}, gk_found AS MATERIALIZED ({found}), "  # noqa: S608 - names, no values
            f"gk_operation AS ({operation} WHERE EXISTS (SELECT 1 FROM gk_found WHERE {told}) ON CONFLICT DO NOTHING), "
            f"gk_record AS (INSERT INTO {TABLE} ({', '.join(_RECORD)}) SELECT gen_random_uuid(), "
            f"%s, %s, %s, %s, %s, %s, k, l, %s, ('{{' || c || '}}')::jsonb, 1, %s FROM gk_found WHERE {told}) {answer}"
        )
        record = (circumstances.id, action, *actor_columns(act.actor), policies.label, grid, timezone.now())
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, (*params, *operation_params, *record))
                rows: list[doors.Raw] = cursor.fetchall()
        except DatabaseError as error:
            if TABLE in str(error) or OPERATIONS in str(error):
                raise unavailable() from error
            raise
        return rows

    def _key(self, alias: str) -> str:
        return key_text(self._watch.keys, alias, self._connection)

    def _label(self, alias: str) -> str:
        policies: Any = self._watch.policies
        field = policies.label_field(self._policy)
        return label_text(field, column_of(field, alias, self._connection) if field else "")

    def _each(self, table: str, fields: Sequence[Field]) -> list[str]:
        return [column_of(item, table, self._connection) for item in fields]

    def _columns(self, table: str, fields: Sequence[Field]) -> str:
        return ", ".join(self._each(table, fields))
