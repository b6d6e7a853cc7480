"""Records of acts beyond the change of a row: one statement beside the act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from django.db import connections, router, transaction

from gridkit_django.audit.targets import Target
from gridkit_django.audit.values import json_object, json_value
from gridkit_django.audit.writer import COLUMNS, Circumstances, Draft, write_one
from gridkit_django.events import Actor, current_act
from gridkit_django.exceptions import AuditError
from gridkit_django.models import AuditRecord
from gridkit_django.typing import JSONValue

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def record(
    action: str,
    *,
    target: Target,
    changes: Mapping[str, Sequence[Any]] = _NOTHING,
    grid: str = "",
    evidence: Mapping[str, Any] = _NOTHING,
    actor: Actor | None = None,
    using: str | None = None,
) -> AuditRecord:
    """Write one audit record, in the transaction that the caller is in: act and record stand or fall together.

    Source, correlation id, metadata and (unless given) the actor are those of the act under way, see
    ``gridkit_django.events.acting``.

    Args:
        action: what was done, as ``noun.verb``, for example ``row.update`` or ``plugin.activate``.
        target: what it was done to.
        changes: field or column id to ``[before, after]``.
        grid: id of the grid through which it was done, empty for none.
        evidence: plain facts that explain the act, for example the failures that led to a suspension.
        actor: who did it, when that is not the one who acts now.
        using: alias of the database, that of the act; the router's choice when None.

    Returns:
        The stored record.

    Raises:
        AuditError: when a value has no exact JSON form, a change is no pair, or an id is too long to store.
        AuditUnavailableError: when the database refuses the record; the transaction under way can't be kept then.
    """
    act = current_act()
    draft = Draft(
        Circumstances.of(act),
        _whole("action", action),
        *_actor(actor or act.actor),
        _whole("target_type", target.type),
        _whole("target_id", target.id),
        _clipped("target_label", target.label),
        _whole("grid", grid),
        {_plain(name): _pair(name, change) for name, change in changes.items()},
        json_object(evidence) or None,
    )
    return _stored(draft, using or router.db_for_write(AuditRecord))


def _stored(draft: Draft, using: str) -> AuditRecord:
    """Write a record and return it; its operation is read when somebody asks for it."""
    values = {name: getattr(draft, name) for name in COLUMNS if name != "mac"}
    connection = connections[using]
    # Two statements, where it takes two, are one act; PostgreSQL takes one.
    alone = connection.vendor != "postgresql" and not connection.in_atomic_block
    with transaction.atomic(using) if alone else transaction.mark_for_rollback_on_error(using):
        pk, mac = write_one(connection, draft)
    made = AuditRecord(pk=pk, mac=mac, **values)
    made._state.adding, made._state.db = False, using
    return made


def _actor(who: Actor) -> tuple[str, str, str]:
    return who.kind.value, _whole("actor_id", who.id), _clipped("actor_label", who.label)


def _pair(name: str, change: Sequence[Any]) -> list[JSONValue]:
    if isinstance(change, (str, bytes)) or len(change) != 2:
        raise AuditError(f"The change of {name!r} is not a pair. Give [before, after].")
    return [json_value(change[0]), json_value(change[1])]


def _plain(value: str) -> str:
    return str(json_value(value))


def _whole(field: str, value: str) -> str:
    """Return an id as it is: a cut id would point to something else.

    Raises:
        AuditError: when it is longer than its column.
    """
    limit = _limit(field)
    if len(value) > limit:
        raise AuditError(f"The {field} of an audit record has {len(value)} characters; {limit} are the most.")
    return _plain(value)


def _clipped(field: str, value: str) -> str:
    """Return a label for people, cut to its column: a long name must not undo the act."""
    limit = _limit(field)
    text = _plain(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _limit(field: str) -> int:
    return cast("int", AuditRecord._meta.get_field(field).max_length)  # type: ignore[union-attr]
