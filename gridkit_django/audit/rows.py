"""Records as they are stored, read raw: proofs need the stored text of JSON columns, not what Python makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import connections

from gridkit_django.audit.canonical import FORMS, Canonical, canonical_of, operation_text
from gridkit_django.audit.runs import Run
from gridkit_django.exceptions import AuditFormError
from gridkit_django.models import AuditOperation, AuditRecord

RUNS_IN_ONE_QUESTION = 200
"""Runs of ids that one statement asks for at most."""

_RECORD = (
    "id", "uuid", "action", "actor_kind", "actor_id", "actor_label", "target_type", "target_id", "target_label", "grid",
    "changes", "evidence", "related", "schema_version", "occurred_at",
)  # fmt: skip
_OPERATION = (
    "id", "source", "correlation_id", "impersonator_id", "impersonator_label", "reason", "facts", "occurred_at"
)  # fmt: skip
_MAC_AT = len(_RECORD)
_OPERATION_AT = _MAC_AT + 1
_DOCUMENTS = frozenset({"changes", "evidence", "related", "facts"})


class _OperationColumns(NamedTuple):
    id: Any
    source: str
    correlation_id: str
    impersonator_id: str
    impersonator_label: str
    reason: str
    facts: str
    occurred_at: Any


class OperationRow(_OperationColumns):
    """The stored columns of an operation; records of one act that are read together share one."""

    @cached_property
    def text(self) -> str:
        """The canonical text.

        Raises:
            AuditFormError: when a column holds what no operation has.
        """
        return operation_text(self)


class RecordRow(NamedTuple):
    """The stored columns of a record and its operation."""

    id: int
    uuid: Any
    action: str
    actor_kind: str
    actor_id: str
    actor_label: str
    target_type: str
    target_id: str
    target_label: str
    grid: str
    changes: str
    evidence: str | None
    related: str | None
    schema_version: int
    occurred_at: Any
    mac: bytes | None
    operation: OperationRow | None

    def canonical(self) -> Canonical:
        """Return the canonical text.

        Raises:
            AuditFormError: when a column holds what no record has.
        """
        return canonical_of(self, "null" if self.operation is None else self.operation.text)

    def told(self) -> tuple[bytes, bytes]:
        """Return the bytes that the seal is made from, and those that the MAC is made from.

        What is too damaged to have a canonical text is sealed as it is, too: one bad record must not keep all others
        from being sealed, verified or exported, and verification will name it. No MAC fits to it.
        """
        try:
            text = self.canonical()
            return text.line(self.id), text.content()
        except AuditFormError:
            told = sha256(json.dumps([str(value) for value in self]).encode()).hexdigest()
            return f'{{"id":{self.id},"unreadable":"{told}"}}'.encode(), b""

    def line(self) -> bytes:
        """Return the bytes that the seal is made from, see ``told``."""
        return self.told()[0]


class RecordRows:
    """Reads stored records of one database, in the order of their ids.

    Args:
        alias: of the database.
    """

    def __init__(self, alias: str) -> None:
        self._connection = connections[alias]
        quote = self._connection.ops.quote_name
        cast = "::text" if self._connection.vendor == "postgresql" else ""
        columns = [f"r.{name}{cast if name in _DOCUMENTS else ''}" for name in (*_RECORD, "mac")]
        columns += [f"o.{name}{cast if name in _DOCUMENTS else ''}" for name in _OPERATION]
        self.table = quote(AuditRecord._meta.db_table)
        operations = quote(AuditOperation._meta.db_table)
        self._select = (
            f"SELECT {', '.join(columns)} FROM {self.table} r "  # noqa: S608 - names of our own columns and tables
            f"LEFT JOIN {operations} o ON o.id = r.operation_id"
        )

    def between(self, first: int, last: int) -> list[RecordRow]:
        """Return the records with ids from ``first`` to ``last``."""
        return self.of([(first, last)])

    def of(self, runs: Sequence[Run], limit: int | None = None) -> list[RecordRow]:
        """Return the records of some runs of ids.

        Args:
            runs: in ascending order.
            limit: how many at most, those with the lowest ids.
        """
        found: list[RecordRow] = []
        for part in _parts(runs):
            where, values = _within(part)
            most = "" if limit is None else f" LIMIT {limit - len(found)}"
            found += self._ask(f"{self._select} WHERE {where} ORDER BY r.id{most}", values)
            if limit is not None and len(found) >= limit:
                break
        return found

    def ids(self, runs: Sequence[Run], limit: int) -> list[int]:
        """Return the ids of the stored records of some runs, the lowest first."""
        found: list[int] = []
        for part in _parts(runs):
            where, values = _within(part)
            statement = f"SELECT r.id FROM {self.table} r WHERE {where} ORDER BY r.id LIMIT {limit - len(found)}"  # noqa: S608
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values)
                found += [row[0] for row in cursor.fetchall()]
            if len(found) >= limit:
                break
        return found

    def _ask(self, statement: str, values: Sequence[int]) -> Iterator[RecordRow]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            rows = cursor.fetchall()
        operations: dict[Any, OperationRow] = {}
        for columns in rows:
            name, mac = columns[_OPERATION_AT], columns[_MAC_AT]
            if name is not None and name not in operations:
                operations[name] = OperationRow._make(columns[_OPERATION_AT:])
            yield RecordRow._make((*columns[:_MAC_AT], _bytes(mac), operations.get(name)))


def require_known_forms(rows: Iterable[RecordRow]) -> None:
    """Let records of a later version wait for a sealer that knows their form.

    Raises:
        AuditFormError: when there is one.
    """
    for row in rows:
        if row.schema_version not in FORMS:
            row.canonical()


def _bytes(value: Any) -> bytes | None:
    """Return the bytes of a column; SQLite keeps text in it, too, when somebody puts it there."""
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else bytes(value)


def _parts(runs: Sequence[Run]) -> Iterator[Sequence[Run]]:
    for start in range(0, len(runs), RUNS_IN_ONE_QUESTION):
        yield runs[start : start + RUNS_IN_ONE_QUESTION]


def _within(runs: Sequence[Run]) -> tuple[str, list[int]]:
    """Return the condition that an id is in one of the runs."""
    where = " OR ".join(["r.id BETWEEN %s AND %s"] * len(runs))
    return f"({where})", [end for run in runs for end in run]
