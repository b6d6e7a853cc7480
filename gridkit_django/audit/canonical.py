"""The canonical bytes of a record: one exact text for what is stored, from which its MAC and its seal are made.

They are computed from the columns, so nothing is stored twice. The text is JSON in UTF-8 with keys in the order of
their code points and no spaces; numbers are written out digit by digit, as they are stored, never through a float.
The circumstances of the act (``AuditOperation``) stand inside, so that a record proves them too. The form is named by
``schema_version`` and described in ``docs/reference/audit-proof.md``.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from django.core.serializers.json import DjangoJSONEncoder

from gridkit_django.exceptions import AuditFormError

FORMS = (1,)
"""The forms of records that this version can read."""

EXPONENT_MAX = 200_000
"""Digits that a number may have when it is written out; PostgreSQL stores fewer, so more is somebody's trick."""

_HALVES = "surrogatepass"
"""Half a surrogate pair is never recorded; in a forged record it must lead to another digest, not to a crash."""

Document: TypeAlias = str | Mapping[str, Any] | Sequence[Any] | None
"""A JSON column: its stored text, or the value that is going to be stored."""

Moment: TypeAlias = datetime | str
"""A point in time; without an offset it is UTC."""


class CanonicalText(str):
    """The text of a JSON column that its writer has made canonical: see ``canonical_text``."""

    __slots__ = ()


def canonical_text(value: Any) -> str:
    """Return a plain value as JSON text to be stored: canonical, unless a number in it has an exponent or a lost sign.

    Args:
        value: JSON values; keys of objects are texts.
    """
    text = _ENCODER.encode(value)
    return text if _ODD_NUMBER.search(text) else CanonicalText(text)


RecordFields: TypeAlias = Any
"""Anything with the columns of an ``AuditRecord`` as attributes: a model instance or a raw row."""

OperationFields: TypeAlias = Any
"""Anything with the columns of an ``AuditOperation`` as attributes."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """The canonical text of one record, before and after the place of its id.

    The id is not known before the record is stored, so its MAC is made without; its seal is made with it, so that a
    sealed record can't be moved to another place.
    """

    head: str
    tail: str

    def content(self) -> bytes:
        """Return the bytes without the id, which the MAC is made from."""
        return f"{self.head}{self.tail}".encode(errors=_HALVES)

    def line(self, record_id: int) -> bytes:
        """Return the bytes with the id, which the seal is made from: one line of an export."""
        return f'{self.head},"id":{record_id}{self.tail}'.encode(errors=_HALVES)


def canonical_of(record: RecordFields, operation: str) -> Canonical:
    """Return the canonical text of a record.

    Args:
        record: its columns.
        operation: the canonical text of its operation, see ``operation_text``.

    Raises:
        AuditFormError: when a column holds what no record has, or the form is unknown.
    """
    form = record.schema_version
    if form not in FORMS:
        raise AuditFormError(f"The record has form {form!r}; this version of GridKit reads {FORMS}. Upgrade it.")
    quote = encode_basestring
    try:
        actor = (
            f'{{"id":{quote(record.actor_id)},"kind":{quote(record.actor_kind)},"label":{quote(record.actor_label)}}}'
        )
        changes, evidence = document(record.changes), document(record.evidence)
        return Canonical(
            _head(record.action, actor, changes, evidence, form, record.grid),
            _tail(
                moment(record.occurred_at),
                operation,
                document(record.related),
                (record.target_id, record.target_label, record.target_type),
                _uuid(record.uuid),
            ),
        )
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise AuditFormError(f"A column of the record holds what no record has: {error}.") from error


def content_of(
    operation: str, actor: str, row: tuple[str, str, str, str], label: str, changes: str, occurred_at: str, uuid: str
) -> bytes:
    """Return ``Canonical.content`` of a record of a row that is going to be written, from texts that are ready.

    Args:
        operation: the canonical text of its operation.
        actor: the canonical text of its actor.
        row: the model, the grid at work, what was done, and the key of the row.
        label: of the row.
        changes: the canonical text of its changes.
        occurred_at: when, as ``moment`` tells it.
        uuid: of the record.
    """
    model, grid, action, key = row
    head = _head(action, actor, changes, "null", FORMS[-1], grid)
    return f"{head}{_tail(occurred_at, operation, 'null', (key, label, model), uuid)}".encode(errors=_HALVES)


def _head(action: str, actor: str, changes: str, evidence: str, form: int, grid: str) -> str:
    return (
        f'{{"action":{encode_basestring(action)},"actor":{actor},"changes":{changes},"evidence":{evidence},'
        f'"form":{form},"grid":{encode_basestring(grid)}'
    )


def _tail(occurred_at: str, operation: str, related: str, target: tuple[str, str, str], uuid: str) -> str:
    key, label, model = target
    return (
        f',"occurredAt":"{occurred_at}","operation":{operation},"related":{related},"target":{{'
        f'"id":{encode_basestring(key)},"label":{encode_basestring(label)},"type":{encode_basestring(model)}}},'
        f'"uuid":"{uuid}"}}'
    )


def operation_text(operation: OperationFields | None) -> str:
    """Return the canonical text of an operation; a missing one is ``null``.

    Raises:
        AuditFormError: when a column holds what no operation has.
    """
    if operation is None:
        return "null"
    try:
        return operation_content(
            _uuid(operation.id),
            operation.source,
            operation.correlation_id,
            (operation.impersonator_id, operation.impersonator_label),
            operation.reason,
            document(operation.facts),
            moment(operation.occurred_at),
        )
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise AuditFormError(f"A column of the operation holds what no operation has: {error}.") from error


def operation_content(
    uuid: str, source: str, correlation: str, impersonator: tuple[str, str], reason: str, facts: str, occurred_at: str
) -> str:
    """Return the same from texts that are ready.

    Args:
        uuid: its id.
        source: the door.
        correlation: the same for all that one request or task causes.
        impersonator: id and label of who acted in the actor's name.
        reason: why.
        facts: the canonical text of its facts.
        occurred_at: when, as ``moment`` tells it.
    """
    return (
        f'{{"correlationId":{encode_basestring(correlation)},"facts":{facts},"id":"{uuid}",'
        f'"impersonator":{{"id":{encode_basestring(impersonator[0])},"label":{encode_basestring(impersonator[1])}}},'
        f'"occurredAt":"{occurred_at}","reason":{encode_basestring(reason)},"source":{encode_basestring(source)}}}'
    )


def canonical(record: Any) -> bytes:
    """Return the canonical bytes of an ``AuditRecord``; a stored one has its id in them.

    A record that was read through the model has its numbers as Python has them. For proofs use the stored text
    (``gridkit_django.audit.rows``), which keeps every digit.

    Raises:
        AuditFormError: when a column holds what no record has.
    """
    text = canonical_of(record, operation_text(record.operation))
    return text.content() if record.pk is None else text.line(record.pk)


def moment(value: Moment) -> str:
    """Return a point in time in UTC with six digits of the second, as in ``2026-11-26T19:01:00.000000Z``.

    Raises:
        ValueError: when it is none.
    """
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value.tzinfo is UTC:
        return f"{value.isoformat(timespec='microseconds')[:-6]}Z"
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return f"{value.isoformat(timespec='microseconds')}Z"


def document(value: Document) -> str:
    """Return the canonical text of a JSON column.

    Args:
        value: the stored text, or the plain value that is going to be stored.

    Raises:
        ValueError: when the text is no JSON, or an object has a key twice.
    """
    if value is None:
        return "null"
    if type(value) is CanonicalText:
        return value
    text = value if isinstance(value, str) else json.dumps(value, cls=DjangoJSONEncoder)
    if text == "{}":
        return text
    if not _FRACTION.search(text):
        try:
            return _ENCODER.encode(_DECODER.decode(text))
        except ValueError:
            # Python refuses to read integers of very many digits, which a database may hold.
            return _encoded(_TOKENS.decode(text))
    return _encoded(_TOKENS.decode(text))


class _Number(str):
    """The token of a number, kept as it was written."""

    __slots__ = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; two members of one name would be read as one here and as the other elsewhere."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a key twice")
    return found


_FRACTION = re.compile(r"\d[.eE]")
"""What a number that is not whole has in it; some texts have it, too."""

_ODD_NUMBER = re.compile(r"(?:^|[:,\[])-?(?:\d+(?:\.\d+)?e|(?<=-)0\.0(?:[],}]|$))")
"""A float that Python writes otherwise than its canonical text is; a text that looks like one costs time only."""

_DECODER = json.JSONDecoder(object_pairs_hook=_object)
_TOKENS = json.JSONDecoder(object_pairs_hook=_object, parse_float=_Number, parse_int=_Number)
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _encoded(value: Any) -> str:
    """Return the canonical text of a parsed value that holds tokens of numbers."""
    if isinstance(value, _Number):
        return _written_out(value)
    if isinstance(value, dict):
        return f"{{{','.join(f'{encode_basestring(key)}:{_encoded(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_encoded, value))}]"
    if isinstance(value, str):
        return encode_basestring(value)
    return _ENCODER.encode(value)


def _written_out(token: str) -> str:
    """Return a number without exponent, as PostgreSQL's ``jsonb`` writes it; zero has no sign."""
    if token.isdigit():
        return token
    number = Decimal(token)
    if abs(number.adjusted()) > EXPONENT_MAX:
        return token.lower()
    text = f"{number:f}"
    return text.removeprefix("-") if number.is_zero() else text


def _uuid(value: Any) -> str:
    return str(value) if isinstance(value, uuid.UUID) else str(uuid.UUID(value))
