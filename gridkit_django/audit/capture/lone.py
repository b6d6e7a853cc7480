"""The record of a lone row, told in one go: its changes are written as JSON field by field, each in its place.

Most writes are of one row, of a table that holds all of its model, under a policy that hides nothing. What it takes to
tell such a row is worked out once for each statement form. What comes out is what the long way would write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.canonical import CanonicalText, canonical_text
from gridkit_django.audit.capture.plans import Watch
from gridkit_django.audit.capture.rows import RowChange
from gridkit_django.audit.capture.values import Field, Reader, differs, plain_value
from gridkit_django.audit.labels import label_text
from gridkit_django.audit.policies import AuditPolicy
from gridkit_django.typing import JSONValue

_Write: TypeAlias = Callable[[Any], str]
"""Writes a driver's value, which is not NULL, as JSON."""

_Entry: TypeAlias = tuple[int, str, Reader, _Write, bool]
"""A told field: its place in the row, how its entry begins, what reads and what writes its values, and whether NULL is
None to it for sure."""


class LoneRow:
    """Tells one row of one form of statement.

    Args:
        watch: of the table, which holds all that is told of its rows.
        policy: which fields are told; it hides none of them.
        label: the field that labels rows, one of ``fields``, or None.
        fields: the columns of the row, in the order of its values.
        connection: where they come from.
    """

    def __init__(
        self,
        watch: Watch,
        policy: AuditPolicy,
        label: Field | None,
        fields: Sequence[Field],
        connection: BaseDatabaseWrapper,
    ) -> None:
        readers = sorted(enumerate(watch.readers(fields, connection)), key=lambda known: known[1][0])
        self._entries: list[_Entry] = [
            (at, f"{encode_basestring(name)}:[", read, _writer_of(read), is_plain)
            for at, (name, read, is_plain) in readers
            if policy.follows(name)
        ]
        self._label = None if label is None else (fields.index(label), watch.reader(label, connection))

    def label(self, change: RowChange) -> str:
        """Return the label of the row, as it is now or was at the end."""
        if self._label is None:
            return ""
        at, read = self._label
        return label_text(read((change.after or change.before or ())[at]))

    def changes(self, change: RowChange) -> str:
        """Return the text of what is another now, canonical unless a number may not be; ``{}`` for nothing."""
        if change.before is None:
            parts = _filled(self._entries, change.after or (), "null,", "]")
        elif change.after is None:
            parts = _filled(self._entries, change.before, "", ",null]")
        else:
            parts = _moved(self._entries, change.before, change.after)
        text = f"{{{','.join(parts)}}}"
        return text if _Odd in map(type, parts) else CanonicalText(text)


def lone_row(
    watch: Watch, policy: AuditPolicy, fields: Sequence[Field], connection: BaseDatabaseWrapper
) -> LoneRow | None:
    """Return what tells a lone row of these columns; None where its label is in another table.

    Args:
        watch: of the table.
        policy: the policy that holds.
        fields: the columns, in the order of the values.
        connection: where they come from.
    """

    def make() -> LoneRow | None:
        label = watch.policies.label_field(policy) if watch.policies is not None else None
        is_here = label is None or label in fields
        return LoneRow(watch, policy, label, fields, connection) if is_here else None

    return watch.remembered((connection.alias, id(policy), *[item.name for item in fields]), make)


class _Odd(str):
    """An entry with a number that PostgreSQL may write otherwise."""

    __slots__ = ()


def _filled(entries: Sequence[_Entry], values: Sequence[Any], start: str, end: str) -> list[str]:
    """Return the entries of the values that a row has."""
    parts: list[str] = []
    for at, head, read, write, is_plain in entries:
        raw = values[at]
        if raw is None and (is_plain or read(raw) is None):
            continue
        text = write(raw)
        if text != "null":
            whole = f"{head}{start}{text}{end}"
            parts.append(_Odd(whole) if type(text) is _Odd else whole)
    return parts


def _moved(entries: Sequence[_Entry], old: Sequence[Any], new: Sequence[Any]) -> list[str]:
    """Return the entries of the values that are others now."""
    parts: list[str] = []
    for at, head, read, _, is_plain in entries:
        before, after = old[at], new[at]
        if before is after or (before == after and before is not None and after is not None):
            continue
        left = None if before is None and is_plain else read(before)
        right = None if after is None and is_plain else read(after)
        if differs(left, right):
            sides = _json(left), _json(right)
            whole = f"{head}{sides[0]},{sides[1]}]"
            parts.append(_Odd(whole) if _Odd in map(type, sides) else whole)
    return parts


def _writer_of(read: Reader) -> _Write:
    """Return what writes what a reader reads; texts and whole numbers that it leaves as they are without a detour."""
    leaves = read is plain_value

    def write(raw: Any) -> str:
        if leaves:
            kind = type(raw)
            if kind is str and raw.isascii() and "\x00" not in raw:
                return encode_basestring(raw)
            if kind is int:
                return str(raw)
        return _json(read(raw))

    return write


def _json(value: JSONValue) -> str:
    """Return a value as JSON text, marked where a number may be written otherwise by a database."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)  # type: ignore[arg-type]
    if kind is int:
        return str(value)
    if value is None or kind is bool:
        return _WORDS[value]  # type: ignore[index]
    text = canonical_text(value)
    return text if type(text) is CanonicalText else _Odd(text)


_WORDS = {None: "null", True: "true", False: "false"}
