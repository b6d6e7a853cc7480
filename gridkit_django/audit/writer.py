"""Writes audit records with their operation: one statement where the database can, never through the ORM.

The ORM costs more than the database here: a record written by it takes as long as the save that it tells of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from itertools import chain, islice
from json.encoder import encode_basestring
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from gridkit_django.audit import direct
from gridkit_django.audit.canonical import CanonicalText, canonical_of, canonical_text, operation_text
from gridkit_django.audit.mac import mac_keys
from gridkit_django.audit.record_function import function_name, record_function
from gridkit_django.audit.values import json_value, storable_text
from gridkit_django.events import Act, Actor
from gridkit_django.exceptions import AuditUnavailableError
from gridkit_django.models import AuditOperation, AuditRecord
from gridkit_django.typing import JSONObject, JSONValue

_OWN = frozenset({"source", "correlationId", "evidence", "reason", "impersonator"})
"""What the server itself says; metadata of a request can't pass itself off as one of these."""

_NO_FACTS = CanonicalText("{}")

_FEW = 4
"""Records that go in one statement; PostgreSQL takes more by COPY, SQLite by one prepared statement."""

_CHUNK = 1000


@dataclass(frozen=True)
class Circumstances:
    """The operation that records share, ready to be stored.

    Attributes:
        id: what it is called in the trail.
        source: the door.
        correlation_id: the same for all that one request or task causes.
        impersonator_id: who acted in the actor's name.
        impersonator_label: its name for people.
        reason: why.
        facts: plain facts of the request, as JSON text.
        occurred_at: when.
    """

    id: UUID
    source: str
    correlation_id: str
    impersonator_id: str
    impersonator_label: str
    reason: str
    facts: str
    occurred_at: datetime

    @cached_property
    def text(self) -> str:
        """The canonical text, which the MAC of each record covers."""
        return operation_text(self)

    @classmethod
    def of(cls, act: Act, *, metadata: bool = True) -> Circumstances:
        """Describe an act.

        Args:
            act: the act under way.
            metadata: whether the facts of the request are told; without them it is an operation of its own.

        Raises:
            AuditError: when a fact has no exact JSON form.
        """
        other = act.impersonator
        return cls(
            act.id if metadata else bare_id(act),
            act.source.value,
            plain_text(act.correlation_id),
            plain_text(other.id) if other else "",
            plain_text(other.label)[:200] if other else "",
            plain_text(act.reason),
            facts_text(act.metadata) if metadata and act.metadata else _NO_FACTS,
            act.began_at,
        )


def facts_text(metadata: Sequence[tuple[str, str]]) -> str:
    """Return facts of a request as canonical text.

    Args:
        metadata: the facts of an act; of two with one name the last one holds.

    Raises:
        AuditError: when one has no exact JSON form.
    """
    entries, known = [], dict(metadata)
    for name in sorted(known, key=str):
        value = known[name]
        if type(value) is not str or type(name) is not str or not _is_plain(name) or not _is_plain(value):
            return _odd_facts(metadata)
        if name not in _OWN:
            entries.append(f"{encode_basestring(name)}:{encode_basestring(value)}")
    return CanonicalText(f"{{{','.join(entries)}}}")


def _odd_facts(metadata: Sequence[tuple[str, str]]) -> str:
    """Return the same for facts that are not all plain texts."""
    known = {storable_text(str(name)): value for name, value in metadata}
    return canonical_text({name: json_value(value) for name, value in known.items() if name not in _OWN})


def _is_plain(text: str) -> bool:
    """Whether a text is stored as it is, for sure."""
    return text.isascii() and "\x00" not in text


def bare_id(act: Act) -> UUID:
    """Return the id of the operation of an act whose metadata is not told."""
    return uuid5(act.id, _WITHOUT) if act.metadata else act.id


_WITHOUT = "without metadata"


@dataclass(slots=True)
class Draft:
    """One record on its way to the database; it has the attributes of ``AuditRecord``."""

    operation: Circumstances
    action: str
    actor_kind: str
    actor_id: str
    actor_label: str
    target_type: str
    target_id: str
    target_label: str
    grid: str
    changes: Mapping[str, Any] | str
    evidence: JSONObject | None = None
    related: list[JSONValue] | None = None
    schema_version: int = 1
    uuid: UUID = field(default_factory=uuid4)
    occurred_at: datetime = field(default_factory=timezone.now)
    mac: bytes = b""

    @property
    def operation_id(self) -> UUID:
        """The id of the operation."""
        return self.operation.id


def actor_columns(actor: Actor) -> tuple[str, str, str]:
    """Return kind, id and label of an actor as they are stored; a label that is too long is cut."""
    label = plain_text(actor.label)
    return actor.kind.value, plain_text(actor.id), label if len(label) <= 200 else f"{label[:199]}…"


def write(connection: BaseDatabaseWrapper, circumstances: Circumstances, drafts: Iterable[Draft]) -> None:
    """Store records and, unless this transaction has it already, their operation.

    Args:
        connection: where to; a transaction is under way there.
        circumstances: the operation of all of them.
        drafts: the records, in their order.

    Raises:
        AuditUnavailableError: when the database refuses.
    """
    waiting = iter(drafts)
    first = list(islice(waiting, _FEW + 1))
    if not first:
        return
    try:
        if len(first) == 1:
            _insert_one(connection, first[0])
        elif len(first) > _FEW:
            _write_many(connection, circumstances, first, waiting)
        else:
            with connection.cursor() as cursor:
                _insert_few(connection, cursor, circumstances, first)
    except DatabaseError as error:
        record_function.forget(connection.alias)
        raise unavailable() from error


def write_one(connection: BaseDatabaseWrapper, draft: Draft) -> tuple[int, bytes]:
    """Store one record and, unless it is there already, its operation; the id and the MAC of the record.

    Args:
        connection: where to.
        draft: the record.

    Raises:
        AuditUnavailableError: when the database refuses.
    """
    try:
        return _insert_one(connection, draft), draft.mac
    except DatabaseError as error:
        record_function.forget(connection.alias)
        raise unavailable() from error


def unavailable() -> AuditUnavailableError:
    """Return the refusal of a write whose record can't be written."""
    return AuditUnavailableError(
        "The audit trail could not be written, so nothing was changed. See that its tables are there and can be "
        "written; the cause is in the log."
    )


def _insert_one(connection: BaseDatabaseWrapper, draft: Draft) -> int:
    """Store one record with its operation; the id of the record."""
    is_postgres, is_unwatched = connection.vendor == "postgresql", direct.is_unwatched(connection)
    if is_unwatched and connection.vendor == "sqlite":
        operation, record = direct_sql()
        direct.insert(connection, operation, _operation_row(connection, draft.operation))
        return direct.insert(connection, record, _record_row(connection, draft))
    if is_postgres and is_unwatched and (server := prepared.ready(connection, prepared_sql)) is not None:
        row = _record_row(connection, draft)
        texts = (*_operation_row(connection, draft.operation), *row[:_MAC], *row[_MAC + 1 :])
        values = [None if value is None else str(value).encode() for value in texts]
        return prepared.run(connection, server, [*values, draft.mac])
    if not is_postgres or not record_function.is_there(connection):
        with connection.cursor() as cursor:
            _insert_few(connection, cursor, draft.operation, [draft], " RETURNING id")
            return int(cursor.fetchone()[0])
    told = _proven(draft)
    called = direct.call(connection, _direct_call(), told, draft.mac) if is_unwatched else None
    if called is not None:
        return called
    with connection.cursor() as cursor:
        cursor.execute(_call_sql(), (told.decode(), f"\\x{draft.mac.hex()}"))
        return int(cursor.fetchone()[0])


def _insert_few(
    connection: BaseDatabaseWrapper, cursor: Any, circumstances: Circumstances, drafts: Sequence[Draft], end: str = ""
) -> None:
    """Carry out the INSERT of a few records and their operation; ``end`` is put behind that of the records."""
    operation = _operation_row(connection, circumstances)
    rows = [value for draft in drafts for value in _record_row(connection, draft)]
    if connection.vendor == "postgresql":
        cursor.execute(_both_sql(len(drafts)) + end, [*operation, *rows])
    else:
        cursor.execute(_operation_sql(), operation)
        cursor.execute(_records_sql(len(drafts)) + end, rows)


def _write_many(
    connection: BaseDatabaseWrapper, circumstances: Circumstances, first: Sequence[Draft], rest: Iterator[Draft]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_operation_sql(), _operation_row(connection, circumstances))
        if connection.vendor == "postgresql":
            _copy(connection, cursor, (_record_row(connection, item) for item in chain(first, rest)))
            return
        chunk: Sequence[Draft] = first
        while chunk:
            rows = [_record_row(connection, item) for item in chunk]
            cursor.executemany(_records_sql(1), rows)
            chunk = list(islice(rest, _CHUNK))


def _copy(connection: BaseDatabaseWrapper, cursor: Any, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.wrap_database_errors, cursor.copy(_copy_sql()) as copy:
        for row in rows:
            copy.write_row(row)


_OPERATION = (
    "id", "source", "correlation_id", "impersonator_id", "impersonator_label", "reason", "facts", "occurred_at",
)  # fmt: skip
COLUMNS = (
    "uuid", "operation_id", "action", "actor_kind", "actor_id", "actor_label", "target_type", "target_id",
    "target_label", "grid", "changes", "evidence", "related", "schema_version", "mac", "occurred_at",
)  # fmt: skip
"""The columns of a record, in the order in which they are written."""

TABLE = AuditRecord._meta.db_table
OPERATIONS = AuditOperation._meta.db_table

_TYPES = {"id": "uuid", "facts": "jsonb", "occurred_at": "timestamptz"}
"""Columns of an operation that are no text, and their types in PostgreSQL."""


def operation_statement(connection: BaseDatabaseWrapper, item: Circumstances) -> tuple[str, tuple[Any, ...]]:
    """Return the INSERT of an operation as one of a SELECT, to which a condition can be added, and its parameters."""
    types = _TYPES if connection.vendor == "postgresql" else {}
    places = ", ".join(f"%s::{types[name]}" if name in types else "%s" for name in _OPERATION)
    sql = f"INSERT INTO {OPERATIONS} ({', '.join(_OPERATION)}) SELECT {places}"
    return sql, _operation_row(connection, item)


@cache
def _operation_sql() -> str:
    columns, places = ", ".join(_OPERATION), _places(_OPERATION)
    return f"INSERT INTO {OPERATIONS} ({columns}) VALUES {places} ON CONFLICT (id) DO NOTHING"  # noqa: S608 - our own names


@cache
def _records_sql(count: int) -> str:
    columns = ", ".join(COLUMNS)
    return f"INSERT INTO {TABLE} ({columns}) VALUES {', '.join([_places(COLUMNS)] * count)}"  # noqa: S608 - our own names


@cache
def _call_sql() -> str:
    return f"SELECT {function_name()}(%s, %s)"


prepared = direct.Prepared(b"gridkit_audit_record", places=len(_OPERATION) + len(COLUMNS))
"""Stores an operation and its record, see ``prepared_sql``."""

_MAC = COLUMNS.index("mac")


@cache
def prepared_sql() -> str:
    """Return the INSERT of an operation and its record with numbered places, in their order, that of the MAC last."""
    columns = [name for name in COLUMNS if name != "mac"]
    count = len(_OPERATION)
    acts, records = (
        ", ".join(f"${at}" for at in range(first, last))
        for first, last in ((1, count + 1), (count + 1, count + len(COLUMNS) + 1))
    )
    return (
        f"WITH operation AS (INSERT INTO {OPERATIONS} ({', '.join(_OPERATION)}) VALUES ({acts}) "  # noqa: S608
        f"ON CONFLICT (id) DO NOTHING) "
        f"INSERT INTO {TABLE} ({', '.join(columns)}, mac) VALUES ({records}) RETURNING id"
    )


@cache
def _direct_call() -> bytes:
    return _call_sql().replace("%s", "$1", 1).replace("%s", "$2", 1).encode()


@cache
def direct_sql() -> tuple[str, str]:
    """Return the INSERTs of an operation and of a record for SQLite's driver."""
    return _operation_sql().replace("%s", "?"), _records_sql(1).replace("%s", "?")


@cache
def _both_sql(count: int) -> str:
    return f"WITH operation AS ({_operation_sql()}) {_records_sql(count)}"


@cache
def _copy_sql() -> str:
    return f"COPY {TABLE} ({', '.join(COLUMNS)}) FROM STDIN"


def _places(columns: Sequence[str]) -> str:
    return f"({', '.join(['%s'] * len(columns))})"


def _operation_row(connection: BaseDatabaseWrapper, item: Circumstances) -> tuple[Any, ...]:
    return (
        _uuid(connection, item.id),
        item.source,
        item.correlation_id,
        item.impersonator_id,
        item.impersonator_label,
        item.reason,
        str(item.facts),
        _moment(connection, item.occurred_at),
    )


def _record_row(connection: BaseDatabaseWrapper, item: Draft) -> tuple[Any, ...]:
    """Return the columns of a record; its MAC covers the canonical text of its operation, too."""
    _proven(item)
    return (
        _uuid(connection, item.uuid),
        _uuid(connection, item.operation.id),
        item.action,
        item.actor_kind,
        item.actor_id,
        item.actor_label,
        item.target_type,
        item.target_id,
        item.target_label,
        item.grid,
        str(item.changes),
        None if item.evidence is None else str(canonical_text(item.evidence)),
        None if item.related is None else str(canonical_text(item.related)),
        item.schema_version,
        f"\\x{item.mac.hex()}" if connection.vendor == "postgresql" else item.mac,
        _moment(connection, item.occurred_at),
    )


def _proven(item: Draft) -> bytes:
    """Make the MAC of a record, and return the canonical text that it is made from."""
    if not isinstance(item.changes, str):
        item.changes = canonical_text(item.changes)
    content = canonical_of(item, item.operation.text).content()
    item.mac = mac_keys().mac(content)
    return content


# To psycopg a text is cheaper than any other value: those are written with a cast, after a look-up of its name.
def _uuid(connection: BaseDatabaseWrapper, value: UUID) -> str:
    return str(value) if connection.vendor == "postgresql" else value.hex


def _moment(connection: BaseDatabaseWrapper, value: datetime) -> Any:
    if connection.vendor == "postgresql":
        return value.isoformat()
    if value.tzinfo is UTC and connection.timezone_name == "UTC":
        return str(value.replace(tzinfo=None))  # as Django would, after a longer way
    return connection.ops.adapt_datetimefield_value(value)


def plain_text(value: str) -> str:
    """Return a text of an act as it is stored."""
    return value if type(value) is str and _is_plain(value) else storable_text(str(value))
