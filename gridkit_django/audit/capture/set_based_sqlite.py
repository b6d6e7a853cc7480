"""Many rows and their records in SQLite: a few statements in one transaction, in which nobody else writes.

The rows before are kept in a table of the connection (``temp``), which nobody else sees and which ends with it. What
is changed or deleted are exactly the rows that were read, by their keys: a condition that is asked twice may choose
others.
"""

# ruff: noqa: S608 - all of it is SQL made of quoted names of models

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django.core.exceptions import EmptyResultSet

from gridkit_django.audit.capture import doors
from gridkit_django.audit.capture.many_rows import ManyRows
from gridkit_django.audit.capture.plans import Watch
from gridkit_django.audit.capture.upserts import met_rows
from gridkit_django.audit.capture.values import Field
from gridkit_django.audit.policies import CREATE, DELETE, UPDATE, AuditPolicy
from gridkit_django.audit.sqlentries import column_of, literal
from gridkit_django.exceptions import AuditUnavailableError

_COLUMNS = 8
"""The tables of rows before have a multiple of so many columns, so that few of them are made."""

_UUID = "%s || printf('%%012x', u)"
"""A UUID as Django stores it here: digits that are drawn once for the statement, and the number of its row."""


def _drawn() -> str:
    """Return the first 20 digits of a UUID of our own making (RFC 9562, version 8), 74 bits of them random."""
    digits = uuid4().hex
    return f"{digits[:12]}8{digits[13:20]}"


class InSqlite(ManyRows):
    """Carries out one statement on many rows, with their records.

    Args:
        watch: of the table, whose key is one column.
        compiler: of the statement.
        policy: what is told.
    """

    def __init__(self, watch: Watch, compiler: Any, policy: AuditPolicy) -> None:
        super().__init__(watch, compiler, policy)
        (self._key,) = watch.keys

    def insert(self, returning: Sequence[Field]) -> list[doors.Raw]:
        """Carry out an INSERT; the columns that Django wants of each row."""
        if doors.upserts(self._compiler):
            return self._upsert(returning)
        rows, keys = self._inserted(returning)
        created = self._entries.created([(item, "gk_new") for item in self._watch.fields])
        self._same(len(rows), self._record((literal(CREATE), created, "gk_key.key"), "gk_new", self._written(), [keys]))
        return rows

    def _upsert(self, returning: Sequence[Field]) -> list[doors.Raw]:
        """Carry out an upsert: the rows that it will meet are kept, the others are new."""
        fields = self._watch.fields
        kept = self._kept(1 + len(fields))
        for sql, params in met_rows(self._watch, self._compiler):
            self._run(f"INSERT INTO {kept} ({_names(1 + len(fields))}) {sql}", params)
        rows, keys = self._inserted(returning)
        created = self._entries.created([(item, "gk_new") for item in fields])
        self._record(
            (
                f"CASE WHEN gk_old.c0 IS NULL THEN {literal(CREATE)} ELSE {literal(UPDATE)} END",
                f"CASE WHEN gk_old.c0 IS NULL THEN {created} ELSE {self._changed(fields)} END",
                "gk_key.key",
            ),
            "gk_new",
            f"{self._written()} LEFT JOIN {kept} AS gk_old ON gk_old.c0 = {self._column('gk_new')}",
            [keys],
        )
        self._run(f"DELETE FROM {kept}", ())
        return rows

    def _inserted(self, returning: Sequence[Field]) -> tuple[list[doors.Raw], str]:
        """Carry out an INSERT; the columns that Django wants, and the keys of the rows as JSON."""
        columns = list(dict.fromkeys((*returning, self._key)))
        rows = doors.insert_rows(self._compiler, columns)
        at = columns.index(self._key)
        # An upsert may meet a row twice; what is told is what became of it.
        keys = list(dict.fromkeys(row[at] for row in rows))
        return [row[: len(returning)] for row in rows], json.dumps(keys)

    def _written(self) -> str:
        """Return the rows of some keys, which are a parameter."""
        return f"json_each(%s) AS gk_key CROSS JOIN {self._table} AS gk_new ON {self._column('gk_new')} = gk_key.value"

    def update(self, fields: Sequence[Field]) -> int:
        """Carry out an UPDATE; rows.

        Raises:
            EmptyResultSet: when there is no row to change.
        """
        sql, params = doors.compiled_update(self._compiler)
        head, head_params, where, where_params = doors.split_update(self._compiler, sql, params)
        columns = [self._column(self._table), *(column_of(item, self._table, self._connection) for item in fields)]
        kept = self._kept(len(columns))
        rows = self._keep(kept, columns, f"FROM {self._table}{where}", where_params)
        if not rows:
            return 0
        self._same(rows, self._run(f"{head} WHERE {self._is_kept(kept)}", head_params))
        source = f"{kept} AS gk_old CROSS JOIN {self._table} AS gk_new ON {self._column('gk_new')} = gk_old.c0"
        self._record((literal(UPDATE), self._changed(fields), "gk_old.rowid"), "gk_new", source, ())
        self._run(f"DELETE FROM {kept}", ())
        return rows

    def delete(self) -> int:
        """Carry out a DELETE; rows."""
        try:
            sql, params = self._compiler.as_sql()
        except EmptyResultSet:
            return 0
        chosen = doors.deleted_from(sql)
        kept = self._kept(1)
        rows = self._keep(kept, [self._column(self._table)], chosen, params)
        if not rows:
            return 0
        deleted = self._entries.deleted([(item, "gk_old") for item in self._watch.fields])
        source = f"{kept} AS gk_key CROSS JOIN {self._table} AS gk_old ON {self._column('gk_old')} = gk_key.c0"
        self._same(rows, self._record((literal(DELETE), deleted, "gk_key.rowid"), "gk_old", source, ()))
        self._same(rows, self._run(f"DELETE FROM {self._table} WHERE {self._is_kept(kept)}", ()))
        self._run(f"DELETE FROM {kept}", ())
        return rows

    def _record(self, told: tuple[str, str, str], alias: str, source: str, params: Sequence[Any]) -> int:
        """Write the records of rows and, when there are any, their operation; how many.

        Args:
            told: what was done, the entries, and a number that each row has for itself, as SQL.
            alias: the name of the rows.
            source: where they come from.
            params: of the source.
        """
        action, changes, number = told
        sql, record_params = self._act.records("a", "k", "l", "c", _UUID)
        # The limit keeps SQLite from putting the entries in twice, once to compare and once to write them.
        found = f"SELECT {action} AS a, {self._named(alias)}, {changes} AS c, {number} AS u FROM {source} LIMIT -1"
        with self._act.guarded():
            written = self._run(f"{sql} FROM ({found}) WHERE {self._is_told()}", (_drawn(), *record_params, *params))
            if written:
                operation, operation_params = self._act.operation()
                self._run(f"{operation} WHERE 1 ON CONFLICT DO NOTHING", operation_params)
        self._act.wrote(written)
        return written

    def _changed(self, fields: Sequence[Field]) -> str:
        """Return the entries of fields whose values before are kept behind the key, in this order."""
        return self._changed_from([(item, f"gk_old.c{at}") for at, item in enumerate(fields, 1)], "gk_new")

    def _kept(self, columns: int) -> str:
        """Return the table for rows before; it is made where the connection has none yet."""
        size = -(-columns // _COLUMNS) * _COLUMNS
        name = f"temp.gridkit_before_{size}"
        self._run(f"CREATE TEMP TABLE IF NOT EXISTS {name.removeprefix('temp.')} ({_names(size)})", ())
        return name

    def _keep(self, kept: str, columns: Sequence[str], chosen: str, params: Sequence[Any]) -> int:
        """Keep columns of the chosen rows as they are stored; how many rows."""
        values = ", ".join(f"+{column}" for column in columns)
        return self._run(f"INSERT INTO {kept} ({_names(len(columns))}) SELECT {values} {chosen}", params)

    def _is_kept(self, kept: str) -> str:
        return f"{self._column(self._table)} IN (SELECT c0 FROM {kept})"

    def _column(self, alias: str) -> str:
        return column_of(self._key, alias, self._connection)

    def _run(self, sql: str, params: Sequence[Any]) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, params)
            return int(cursor.rowcount)

    def _same(self, rows: int, others: int) -> None:
        """See that so many rows were recorded as were written.

        Raises:
            AuditUnavailableError: when a trigger of the database has come in between.
        """
        if rows != others:
            raise AuditUnavailableError(
                f"{rows} rows of {self._watch.model._meta.label} were to be written with their records, but {others} "
                "were: triggers of this database change what is written. Nothing was changed."
            )


def _names(count: int) -> str:
    return ", ".join(f"c{at}" for at in range(count))
