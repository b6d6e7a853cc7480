"""SQL that writes the changes of a row as the text of a JSON object: ``"field":[before,after]``, joined by commas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Field

from gridkit_django.audit.kinds import TEXTS, WHOLE
from gridkit_django.audit.labels import LABEL_MAX
from gridkit_django.audit.masks import MASK
from gridkit_django.audit.policies import AuditPolicy
from gridkit_django.audit.sqljson import json_text_sql, stored_field, text_sql
from gridkit_django.audit.sqlmasks import has_form, masked_sql

AnyField: TypeAlias = "Field[Any, Any]"

WITHHELD = '{"$enc":null}'
"""Stands for a value that is stored encrypted only: the database has no key, so it tells that there was a value."""

_ARGUMENTS_MAX = 50
"""Arguments of one call; PostgreSQL takes 100."""

_EQUAL_AS_THEY_ARE = WHOLE | frozenset(
    {
        "BooleanField",
        "DecimalField",
        "FloatField",
        "DateField",
        "DateTimeField",
        "TimeField",
        "DurationField",
        "UUIDField",
        "BinaryField",
        "GenericIPAddressField",
    }
)


class Entries:
    """Writes the entries of one policy.

    Args:
        policy: which fields are followed, and which of them are masked or encrypted.
        connection: the database.
    """

    def __init__(self, policy: AuditPolicy, connection: BaseDatabaseWrapper) -> None:
        self._policy = policy
        self._connection = connection
        self._is_postgres = connection.vendor == "postgresql"

    def created(self, fields: Sequence[tuple[AnyField, str]]) -> str:
        """Return the text of a new row's values: fields (each with the alias of its table) that are not NULL."""
        return self._row(fields, "[null,", "]")

    def deleted(self, fields: Sequence[tuple[AnyField, str]]) -> str:
        """Return the text of a deleted row's values: fields (each with the alias of its table) that were not NULL."""
        return self._row(fields, "[", ",null]")

    def changed(self, fields: Sequence[AnyField], old: str, new: str) -> str:
        """Return the text of the values that are different in the tables ``old`` and ``new``; empty for none."""
        followed = self._followed([(item, "") for item in fields])
        return self._joined(
            [self._pair(item, self._column(item, old), self._column(item, new)) for item, _ in followed]
        )

    def changed_columns(self, fields: Sequence[tuple[AnyField, str, str]]) -> str:
        """Return the text of the values that are different in two columns; empty for none.

        Args:
            fields: each with its column before and after, as SQL.
        """
        return self._joined([self._pair(*item) for item in fields if self._policy.follows(item[0].name)])

    def pair(self, name: str, before: str, after: str) -> str:
        """Return the text of one field's change, from two expressions that are JSON as text."""
        if name in self._policy.mask:
            return _constant(name, _MASKED)
        return f"{_constant(name, '[')} || {before} || ',' || {after} || ']'"

    def _row(self, fields: Sequence[tuple[AnyField, str]], start: str, end: str) -> str:
        followed = self._followed(fields)
        known = {field.name for field, _ in followed}
        others = sorted(name for name in self._policy.mask - known if self._policy.follows(name))
        entries = [self._whole(field, alias, start, end) for field, alias in followed]
        return self._joined([*entries, *(_constant(name, _MASKED) for name in others)])

    def _followed(self, fields: Sequence[tuple[AnyField, str]]) -> list[tuple[AnyField, str]]:
        return [(field, alias) for field, alias in fields if self._policy.follows(field.name)]

    def _whole(self, field: AnyField, alias: str, start: str, end: str) -> str:
        column = self._column(field, alias)
        if field.name in self._policy.mask:
            if (shown := self._masked(field, column)) is None:
                return _constant(field.name, _MASKED)
            told = f"{_constant(field.name, start)} || {shown} || '{end}'"
            return f"CASE WHEN {column} IS NULL THEN {_constant(field.name, _MASKED)} ELSE {told} END"
        if field.name in self._policy.encrypt:
            return f"CASE WHEN {column} IS NOT NULL THEN {_constant(field.name, f'{start}{WITHHELD}{end}')} END"
        return f"{_constant(field.name, start)} || {json_text_sql(field, column, self._connection)} || '{end}'"

    def _pair(self, field: AnyField, before: str, after: str) -> str:
        differs = self._differs(field, before, after)
        if field.name in self._policy.mask:
            shown = [self._masked(field, column) for column in (before, after)]
            if shown[0] is None or shown[1] is None:
                return f"CASE WHEN {differs} THEN {_constant(field.name, _MASKED)} END"
            sides = [shown[0], shown[1]]
        else:
            sides = [self._side(field, column) for column in (before, after)]
        return f"CASE WHEN {differs} THEN {_constant(field.name, '[')} || {sides[0]} || ',' || {sides[1]} || ']' END"

    def _differs(self, field: AnyField, before: str, after: str) -> str:
        """Return whether two columns have another value: what they would be written as, where that tells more."""
        if self._is_postgres:
            return f"{_comparable(field, before)} IS DISTINCT FROM {_comparable(field, after)}"
        differs = f"{before} IS NOT {after} COLLATE BINARY"
        if stored_field(field).get_internal_type() not in _LOOSE:
            return differs
        texts = [json_text_sql(field, column, self._connection) for column in (before, after)]
        return f"({differs} AND {texts[0]} IS NOT {texts[1]})"

    def _side(self, field: AnyField, column: str) -> str:
        if field.name in self._policy.encrypt:
            return f"'{WITHHELD}'"
        return f"COALESCE({json_text_sql(field, column, self._connection)}, 'null')"

    def _masked(self, field: AnyField, column: str) -> str | None:
        """Return what is told of a masked value, as JSON text; None where no form is asked for, or SQL has none."""
        form = self._policy.mask_forms.get(field.name)
        if form == "full":
            return f"'\"{MASK}\"'"
        if form is None or not has_form(field, form, self._connection):
            return None
        shown = masked_sql(form, text_sql(field, column, self._connection), self._connection)
        return f"to_json({shown})::text" if self._is_postgres else f"json_quote({shown})"

    def _column(self, field: AnyField, alias: str) -> str:
        return value_of(field, column_of(field, alias, self._connection), self._connection)

    def _joined(self, texts: Sequence[str]) -> str:
        return joined(texts, self._connection)


_MASKED = json.dumps([MASK, MASK], separators=(",", ":"))

_LOOSE = frozenset({"DecimalField", "DateTimeField", "TimeField", "BooleanField"})
"""Kinds of fields whose columns in SQLite may hold one value in several forms."""


def value_of(field: AnyField, column: str, connection: BaseDatabaseWrapper) -> str:
    """Return the value of a column: to Django the NULL of JSON and that of SQL are one."""
    if stored_field(field).get_internal_type() != "JSONField":
        return column
    return f"NULLIF({column}, 'null'::jsonb)" if connection.vendor == "postgresql" else f"NULLIF({column}, 'null')"


def key_text(fields: Sequence[AnyField], alias: str, connection: BaseDatabaseWrapper) -> str:
    """Return the SQL text of a row's key, as ``AuditRecord.target_id`` holds it."""
    columns = [(field, column_of(field, alias, connection)) for field in fields]
    if len(columns) == 1:
        return text_sql(*columns[0], connection)
    parts = " || ',' || ".join(json_text_sql(field, column, connection) for field, column in columns)
    return f"('[' || {parts} || ']')"


def label_text(field: AnyField | None, column: str, connection: BaseDatabaseWrapper) -> str:
    """Return the SQL text of a row's label, as ``AuditRecord.target_label`` holds it.

    Args:
        field: what labels the row, None for nothing.
        column: its column, with the alias of its table.
        connection: the database.
    """
    if field is None:
        return "''"
    text = text_sql(field, column, connection)
    if isinstance(field, CharField) and (field.max_length or LABEL_MAX + 1) <= LABEL_MAX:
        return f"COALESCE({text}, '')"
    cut = f"substr({text}, 1, {LABEL_MAX - 1}) || '…'"
    return f"COALESCE(CASE WHEN length({text}) > {LABEL_MAX} THEN {cut} ELSE {text} END, '')"


def column_of(field: AnyField, alias: str, connection: BaseDatabaseWrapper) -> str:
    """Return the column of a concrete field, quoted, with the alias of its table."""
    return f"{alias}.{connection.ops.quote_name(str(field.column))}"


def joined(texts: Sequence[str], connection: BaseDatabaseWrapper) -> str:
    """Return the SQL that joins those texts that are not NULL by commas."""
    if not texts:
        return "''"
    if connection.vendor != "postgresql":
        parts = " || ".join(f"COALESCE(',' || {text}, '')" for text in texts)
        return f"substr({parts}, 2)"
    if len(texts) <= _ARGUMENTS_MAX:
        return f"concat_ws(',', {', '.join(texts)})"
    pieces = [texts[start : start + _ARGUMENTS_MAX] for start in range(0, len(texts), _ARGUMENTS_MAX)]
    return joined([f"NULLIF({joined(part, connection)}, '')" for part in pieces], connection)


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def sortable(field: AnyField, column: str) -> str:
    """Return what sorts the values of a column as Python does: texts by their code points."""
    return f'{column} COLLATE "C"' if stored_field(field).get_internal_type() in TEXTS else column


def _constant(name: str, rest: str) -> str:
    return literal(f"{json.dumps(name)}:{rest}")


def _comparable(field: AnyField, column: str) -> str:
    """Return what tells two values of a column apart: a collation or an operator of an extension could hide changes."""
    kind = stored_field(field).get_internal_type()
    if kind in TEXTS:
        return f'{column} COLLATE "C"'
    return column if kind in _EQUAL_AS_THEY_ARE else f"({column})::text"
