"""SQL that writes the changes of a row as the text of a JSON object: ``"field":[before,after]``, joined by commas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Field

from gridkit_django.audit.labels import LABEL_MAX
from gridkit_django.audit.masks import MASK
from gridkit_django.audit.policies import AuditPolicy
from gridkit_django.audit.sqljson import json_sql, stored_field, text_sql

AnyField: TypeAlias = "Field[Any, Any]"

WITHHELD = '{"$enc":null}'
"""Stands for a value that is stored encrypted only: the database has no key, so it tells that there was a value."""

_ARGUMENTS_MAX = 50
"""Arguments of one call; PostgreSQL takes 100."""

_TEXTS = frozenset({"CharField", "TextField", "SlugField", "EmailField", "URLField", "FileField", "ImageField"})
_EQUAL_AS_THEY_ARE = frozenset(
    {
        "AutoField",
        "BigAutoField",
        "SmallAutoField",
        "IntegerField",
        "BigIntegerField",
        "SmallIntegerField",
        "PositiveIntegerField",
        "PositiveBigIntegerField",
        "PositiveSmallIntegerField",
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

    def created(self, fields: Sequence[tuple[AnyField, str]]) -> str:
        """Return the text of a new row's values: fields (each with the alias of its table) that are not NULL."""
        return joined([self._whole(field, alias, "[null,", "]") for field, alias in self._followed(fields)])

    def deleted(self, fields: Sequence[tuple[AnyField, str]]) -> str:
        """Return the text of a deleted row's values: fields (each with the alias of its table) that were not NULL."""
        return joined([self._whole(field, alias, "[", ",null]") for field, alias in self._followed(fields)])

    def changed(self, fields: Sequence[AnyField], old: str, new: str) -> str:
        """Return the text of the values that are different in the tables ``old`` and ``new``; empty for none."""
        return joined([self._pair(field, old, new) for field, _ in self._followed([(item, "") for item in fields])])

    def pair(self, name: str, before: str, after: str) -> str:
        """Return the text of one field's change, from two expressions that are JSON as text."""
        if name in self._policy.mask:
            return _constant(name, _MASKED)
        return f"{_constant(name, '[')} || {before} || ',' || {after} || ']'"

    def _followed(self, fields: Sequence[tuple[AnyField, str]]) -> list[tuple[AnyField, str]]:
        return [(field, alias) for field, alias in fields if self._policy.follows(field.name)]

    def _whole(self, field: AnyField, alias: str, start: str, end: str) -> str:
        if field.name in self._policy.mask:
            return _constant(field.name, _MASKED)
        column = self._column(field, alias)
        if field.name in self._policy.encrypt:
            return f"CASE WHEN {column} IS NOT NULL THEN {_constant(field.name, f'{start}{WITHHELD}{end}')} END"
        value = json_sql(field, column, self._connection)
        return f"{_constant(field.name, start)} || ({value})::text || '{end}'"

    def _pair(self, field: AnyField, old: str, new: str) -> str:
        before, after = self._column(field, old), self._column(field, new)
        differs = f"{_comparable(field, before)} IS DISTINCT FROM {_comparable(field, after)}"
        if field.name in self._policy.mask:
            return f"CASE WHEN {differs} THEN {_constant(field.name, _MASKED)} END"
        sides = [self._side(field, column) for column in (before, after)]
        return f"CASE WHEN {differs} THEN {_constant(field.name, '[')} || {sides[0]} || ',' || {sides[1]} || ']' END"

    def _side(self, field: AnyField, column: str) -> str:
        if field.name in self._policy.encrypt:
            return f"'{WITHHELD}'"
        return f"COALESCE(({json_sql(field, column, self._connection)})::text, 'null')"

    def _column(self, field: AnyField, alias: str) -> str:
        column = column_of(field, alias, self._connection)
        # To Django the NULL of JSON and that of SQL are one.
        is_json = stored_field(field).get_internal_type() == "JSONField"
        return f"NULLIF({column}, 'null'::jsonb)" if is_json else column


_MASKED = json.dumps([MASK, MASK], separators=(",", ":"))


def key_text(fields: Sequence[AnyField], alias: str, connection: BaseDatabaseWrapper) -> str:
    """Return the SQL text of a row's key, as ``AuditRecord.target_id`` holds it."""
    columns = [(field, column_of(field, alias, connection)) for field in fields]
    if len(columns) == 1:
        return text_sql(*columns[0], connection)
    parts = " || ',' || ".join(f"({json_sql(field, column, connection)})::text" for field, column in columns)
    return f"('[' || {parts} || ']')"


def label_text(field: AnyField | None, column: str) -> str:
    """Return the SQL text of a row's label, as ``AuditRecord.target_label`` holds it.

    Args:
        field: what labels the row, None for nothing.
        column: its column, with the alias of its table.
    """
    if field is None:
        return "''"
    text = f"({column})::text"
    if isinstance(field, CharField) and (field.max_length or LABEL_MAX + 1) <= LABEL_MAX:
        return f"COALESCE({text}, '')"
    cut = f"left({text}, {LABEL_MAX - 1}) || '…'"
    return f"COALESCE(CASE WHEN length({text}) > {LABEL_MAX} THEN {cut} ELSE {text} END, '')"


def column_of(field: AnyField, alias: str, connection: BaseDatabaseWrapper) -> str:
    """Return the column of a concrete field, quoted, with the alias of its table."""
    return f"{alias}.{connection.ops.quote_name(str(field.column))}"


def joined(texts: Sequence[str]) -> str:
    """Return the SQL that joins those texts that are not NULL by commas."""
    if len(texts) <= _ARGUMENTS_MAX:
        return f"concat_ws(',', {', '.join(texts)})" if texts else "''"
    parts = [texts[start : start + _ARGUMENTS_MAX] for start in range(0, len(texts), _ARGUMENTS_MAX)]
    return joined([f"NULLIF({joined(part)}, '')" for part in parts])


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def sortable(field: AnyField, column: str) -> str:
    """Return what sorts the values of a column as Python does: texts by their code points."""
    return f'{column} COLLATE "C"' if stored_field(field).get_internal_type() in _TEXTS else column


def _constant(name: str, rest: str) -> str:
    return literal(f"{json.dumps(name)}:{rest}")


def _comparable(field: AnyField, column: str) -> str:
    """Return what tells two values of a column apart: a collation or an operator of an extension could hide changes."""
    kind = stored_field(field).get_internal_type()
    if kind in _TEXTS:
        return f'{column} COLLATE "C"'
    return column if kind in _EQUAL_AS_THEY_ARE else f"({column})::text"
