"""A record of a lone row on the shortest way into the database: from texts to one statement, with nothing in between.

Most records are of one row, and what runs once for each write is never warm: each function and each object on the way
costs as much as a part of the statement itself. So the canonical text, the MAC and the columns are made here from the
same texts. What is stored is what ``writer.write_one`` would store; wherever something is not as it mostly is (somebody
watches statements, a session that is shared, times without a zone), that one has to be asked.
"""

from __future__ import annotations

from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import TypeAlias

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from gridkit_django.audit import direct, writer
from gridkit_django.audit.canonical import CanonicalText, content_of, document, moment, operation_content
from gridkit_django.audit.mac import mac_keys
from gridkit_django.audit.record_function import record_function
from gridkit_django.events import Act, random_id

Told: TypeAlias = tuple[str, str, str, str]
"""The model, the grid at work, what was done, and the key of the row."""


class LoneAct:
    """What the records of one act share, as texts.

    Args:
        act: the act under way.
        metadata: whether the facts of the request are told.

    Attributes:
        act: the same.
        metadata: the same.
        id: of the operation.
        columns: of the operation but its id and its time, in the order in which they are written.
        who: kind, id and label of the actor.
        operation: the canonical text of the operation.
        actor: the canonical text of the actor.
    """

    __slots__ = ("act", "actor", "columns", "id", "metadata", "operation", "who")

    def __init__(self, act: Act, *, metadata: bool) -> None:
        self.act, self.metadata = act, metadata
        self.id = str(act.id if metadata else writer.bare_id(act))
        self.who = kind, actor, label = writer.actor_columns(act.actor)
        facts = writer.facts_text(act.metadata) if metadata else "{}"
        source, correlation = act.source.value, writer.plain_text(act.correlation_id)
        reason = writer.plain_text(act.reason)
        other, named = act.impersonator, ("", "")
        if other is not None:
            named = writer.plain_text(other.id), writer.plain_text(other.label)[:200]
        self.columns = (source, correlation, *named, reason, facts)
        quote = encode_basestring
        self.operation = operation_content(
            self.id, source, correlation, named, reason, document(facts), moment(act.began_at)
        )
        self.actor = f'{{"id":{quote(actor)},"kind":{quote(kind)},"label":{quote(label)}}}'


def write_lone(connection: BaseDatabaseWrapper, act: LoneAct, told: Told, name: str, changes: str) -> bool:
    """Store the record of a lone row and, unless it is there already, its operation; whether that could be.

    Args:
        connection: the database, in a transaction.
        act: who and why.
        told: of which row.
        name: the label of the row.
        changes: the text of its entries, in braces.

    Raises:
        AuditUnavailableError: when the database refuses.
    """
    now, began = timezone.now(), act.act.began_at
    if now.tzinfo is not UTC or began.tzinfo is not UTC or not direct.is_unwatched(connection):
        return False
    if connection.vendor == "postgresql":
        write = _into_postgres
    elif connection.vendor == "sqlite" and connection.timezone_name == "UTC":
        write = _into_sqlite
    else:
        return False
    try:
        return write(connection, act, told, name, changes, now)
    except DatabaseError as error:
        record_function.forget(connection.alias)
        raise writer.unavailable() from error


def _proof(act: LoneAct, told: Told, name: str, changes: str, now: datetime, uuid: str) -> bytes:
    """Return the MAC of the record."""
    text = changes if type(changes) is CanonicalText else document(changes)
    return mac_keys().mac(content_of(act.operation, act.actor, told, name, text, moment(now), uuid))


def _into_postgres(
    connection: BaseDatabaseWrapper, act: LoneAct, told: Told, name: str, changes: str, now: datetime
) -> bool:
    server = writer.prepared.known(connection)
    if server is None:
        return False
    label, grid, action, key = told
    uuid = random_id()
    source, correlation, other, other_label, reason, facts = act.columns
    kind, actor, actor_label = act.who
    operation = act.id.encode()
    writer.prepared.run(
        connection,
        server,
        [
            operation,
            source.encode(),
            correlation.encode(),
            other.encode(),
            other_label.encode(),
            reason.encode(),
            facts.encode(),
            act.act.began_at.isoformat().encode(),
            uuid.encode(),
            operation,
            action.encode(),
            kind.encode(),
            actor.encode(),
            actor_label.encode(),
            label.encode(),
            key.encode(),
            name.encode(),
            grid.encode(),
            changes.encode(),
            None,
            None,
            b"1",
            now.isoformat().encode(),
            _proof(act, told, name, changes, now, uuid),
        ],
    )
    return True


def _into_sqlite(
    connection: BaseDatabaseWrapper, act: LoneAct, told: Told, name: str, changes: str, now: datetime
) -> bool:
    label, grid, action, key = told
    uuid, operation = random_id(), act.id.replace("-", "")
    proof = _proof(act, told, name, changes, now, uuid)
    for_operation, for_record = writer.direct_sql()
    with connection.wrap_database_errors:
        execute = connection.connection.execute
        execute(for_operation, (operation, *act.columns, str(act.act.began_at.replace(tzinfo=None))))
        execute(
            for_record,
            (
                uuid.replace("-", ""),
                operation,
                action,
                *act.who,
                label,
                key,
                name,
                grid,
                str(changes),
                None,
                None,
                1,
                proof,
                str(now.replace(tzinfo=None)),
            ),
        )
    return True
