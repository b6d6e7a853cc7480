"""Many rows and their records in one statement of PostgreSQL, by common table expressions."""

# ruff: noqa: S608 - all of it is SQL made of quoted names of models

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models.constants import OnConflict

from gridkit_django.audit.capture import doors
from gridkit_django.audit.capture.many_rows import ManyRows
from gridkit_django.audit.capture.values import Field
from gridkit_django.audit.policies import CREATE, DELETE, UPDATE
from gridkit_django.audit.sqlentries import column_of, literal

RETURNS_OLD = 180000
"""The first version whose writes return the row as it was, too."""


class InPostgres(ManyRows):
    """Carries out one statement on many rows, with their records."""

    def insert(self, returning: Sequence[Field]) -> list[doors.Raw]:
        """Carry out an INSERT; the columns that Django wants of each row."""
        columns = list(dict.fromkeys((*returning, *self._watch.keys, *self._watch.fields)))
        self._compiler.returning_fields = columns
        ((sql, params),) = self._compiler.as_sql()
        created = self._entries.created([(item, "gk_new") for item in self._watch.fields])
        wanted = ", ".join(self._each("gk_new", returning)) or "1"
        if self._compiler.query.on_conflict != OnConflict.UPDATE:
            told = (literal(CREATE), self._named("gk_new"), created, "gk_new")
            return self._run([f"gk_new AS ({sql})"], params, told, wanted, "gk_new")
        olds = self._numbered((*self._watch.keys, *self._watch.fields), "old")
        pairs = list(zip(self._watch.fields, olds[len(self._watch.keys) :], strict=True))
        changed = self._changed("gk_new", pairs)
        is_new = f"gk_new.{olds[0][1]} IS NULL"
        told = (
            f"CASE WHEN {is_new} THEN {literal(CREATE)} ELSE {literal(UPDATE)} END",
            self._named("gk_new"),
            f"CASE WHEN {is_new} THEN {created} ELSE {changed} END",
            "gk_new",
        )
        named = ", ".join(f"{column} AS {name}" for column, name in olds)
        return self._run([f"gk_new AS ({sql}, {named})"], params, told, wanted, "gk_new")

    def update(self, fields: Sequence[Field]) -> int:
        """Carry out an UPDATE; rows.

        Raises:
            EmptyResultSet: when there is no row to change.
        """
        sql, params = doors.compiled_update(self._compiler)
        if self._connection.pg_version >= RETURNS_OLD:
            return self._update_and_return(sql, params, fields)
        return self._update_locked(sql, params, fields)

    def delete(self) -> int:
        """Carry out a DELETE; rows."""
        try:
            sql, params = self._compiler.as_sql()
        except EmptyResultSet:
            return 0
        columns = ", ".join(self._each(self._table, (*self._watch.keys, *self._watch.fields)))
        deleted = self._entries.deleted([(item, "gk_old") for item in self._watch.fields])
        told = (literal(DELETE), self._named("gk_old"), deleted, "gk_old")
        return self._count([f"gk_old AS ({sql} RETURNING {columns})"], params, told, "gk_old")

    def _update_and_return(self, sql: str, params: Sequence[Any], fields: Sequence[Field]) -> int:
        """Let the UPDATE itself give the rows before and after."""
        olds = self._numbered(fields, "gk_before")
        named = ", ".join(f"{column} AS {name}" for column, name in olds)
        columns = ", ".join(self._each("gk_after", (*self._watch.keys, *fields)))
        changed = self._changed("gk_new", list(zip(fields, olds, strict=True)))
        told = (literal(UPDATE), self._named("gk_new"), changed, "gk_new")
        returned = f"RETURNING WITH (OLD AS gk_before, NEW AS gk_after) {columns}, {named}"
        return self._count([f"gk_new AS ({sql} {returned})"], params, told, "gk_new")

    def _update_locked(self, sql: str, params: Sequence[Any], fields: Sequence[Field]) -> int:
        """Lock and read the rows, change them, and bring before and after together by their keys."""
        head, head_params, where, where_params = doors.split_update(self._compiler, sql, params)
        keys = self._watch.keys
        columns = ", ".join(self._each(self._table, (*keys, *fields)))
        names = [f"gk{at}" for at in range(len(keys))]
        keyed = ", ".join(f"{one} AS {name}" for one, name in zip(self._each("gk_old", keys), names, strict=True))
        same = _equal(self._each(self._table, keys), [f"gk_keys.{name}" for name in names])
        both = _equal(self._each("gk_old", keys), self._each("gk_new", keys))
        parts = [
            f"gk_old AS MATERIALIZED (SELECT {columns} FROM {self._table}{where} FOR NO KEY UPDATE)",
            f"gk_new AS ({head} FROM (SELECT {keyed} FROM gk_old) gk_keys WHERE {same} RETURNING {columns})",
        ]
        changed = self._entries.changed(fields, "gk_old", "gk_new")
        told = (literal(UPDATE), self._named("gk_new"), changed, f"gk_new JOIN gk_old ON {both}")
        return self._count(parts, (*where_params, *head_params), told, "gk_new")

    def _count(self, parts: Sequence[str], params: Sequence[Any], told: tuple[str, str, str, str], source: str) -> int:
        return int(self._run(parts, params, told, "count(*)", source)[0][0])

    def _run(
        self, parts: Sequence[str], params: Sequence[Any], told: tuple[str, str, str, str], wanted: str, source: str
    ) -> list[doors.Raw]:
        """Run the statement; ``told`` is the action, the key with the label, the entries and where they come from."""
        action, key, changes, found = told
        operation, operation_params = self._act.operation()
        records, record_params = self._act.records("a", "k", "l", "c", "gen_random_uuid()")
        counted = ", (SELECT count(*) FROM gk_record)" if self._policy.reason_required else ""
        sql = (
            f"WITH {', '.join(parts)}, gk_record AS ({records} "
            f"FROM (SELECT {action} AS a, {key}, {changes} AS c FROM {found} OFFSET 0) gk_found "
            f"WHERE {self._is_told()} RETURNING 1), "
            f"gk_operation AS ({operation} WHERE EXISTS (SELECT 1 FROM gk_record) ON CONFLICT DO NOTHING) "
            f"SELECT {wanted}{counted} FROM {source}"
        )
        with self._act.guarded(), self._connection.cursor() as cursor:
            cursor.execute(sql, (*params, *record_params, *operation_params))
            rows: list[doors.Raw] = cursor.fetchall()
        if not counted:
            return rows
        self._act.wrote(rows[0][-1] if rows else 0)
        return [row[:-1] for row in rows]

    def _changed(self, table: str, pairs: Sequence[tuple[Field, tuple[str, str]]]) -> str:
        """Return the entries of fields whose values before stand in the same row under names of their own."""
        return self._changed_from([(item, f"{table}.{name}") for item, (_, name) in pairs], table)

    def _numbered(self, fields: Sequence[Field], table: str) -> list[tuple[str, str]]:
        """Return the columns of fields, each with a name that no column of the table has."""
        return [(column, f"gk_old_{at}") for at, column in enumerate(self._each(table, fields))]

    def _each(self, table: str, fields: Sequence[Field]) -> list[str]:
        return [column_of(item, table, self._connection) for item in fields]


def _equal(left: Sequence[str], right: Sequence[str]) -> str:
    return " AND ".join(f"{one} = {other}" for one, other in zip(left, right, strict=True))
