"""What a browser says that a person did: judged one by one, stamped by the server, told as events.

Only interactions may come this way. A client's word on who acted, when, and through which door is refused, not
overwritten: who sends it is mistaken or forging.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, transaction

from gridkit_django.conf import settings
from gridkit_django.events import (
    INTERACTION_TYPES,
    Actor,
    EventSource,
    acting,
    canonical_type,
    current_act,
    event_bus,
    make_event,
)
from gridkit_django.events.savepoints import lazy_savepoint
from gridkit_django.exceptions import (
    EventError,
    EventOriginError,
    GridKitError,
    QueryError,
    RecordNotFoundError,
    UnknownEventTypeError,
)
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.interaction_payloads import PAYLOADS, Payload
from gridkit_django.grids.pointers import below
from gridkit_django.grids.query import PROTOCOL_VERSION
from gridkit_django.grids.records import read_key, record_not_found
from gridkit_django.grids.strict import read_list, read_object, read_text
from gridkit_django.outbox import gathered
from gridkit_django.typing import MutableJSONObject

STAMPS = frozenset({"actor", "source", "timestamp", "grid", "id", "correlationId", "user"})
"""What the server alone says of an event."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one event.

    Attributes:
        event_id: its id when it was told; empty when it was refused.
        error: why it was refused, or None.
    """

    event_id: str = ""
    error: GridKitError | None = None

    def to_dict(self) -> MutableJSONObject:
        """Write the verdict as JSON."""
        if self.error is None:
            return {"accepted": True, "id": self.event_id, "code": None, "detail": None, "pointer": None}
        pointer = next((item.pointer for item in self.error.errors), None)
        return {
            "accepted": False,
            "id": None,
            "code": self.error.code,
            "detail": self.error.detail,
            "pointer": pointer,
        }


@dataclass(frozen=True, slots=True)
class _Report:
    """One event that was understood: its canonical type, its payload, and the rows that it names."""

    type: str
    payload: Payload


def report_interactions(access: GridAccess, raw: Any) -> tuple[Verdict, ...]:
    """Tell the events of a browser's report, in their order.

    All are told in one transaction, and what plugins put into the outbox is stored by one statement. Yet each stands
    for itself: what was done for a refused one is undone, and it keeps no other back. One SQL query finds out which of
    the rows that they name the user may see.

    Args:
        access: the grid and the user.
        raw: the body, ``{"v", "events": [{"type", "payload"}]}``.

    Raises:
        QueryError: when the body is no report.
        QueryLimitError: for more than ``EVENTS_MAX`` events.
    """
    raw = read_object(raw, "", ("v", "events"))
    if raw.get("v") not in (None, PROTOCOL_VERSION):
        raise QueryError.at("/v", f"This site speaks version {PROTOCOL_VERSION} of the protocol.")
    items = read_list(raw.get("events"), "/events", settings().EVENTS_MAX)
    read = [_attempt(access, item, f"/events/{index}") for index, item in enumerate(items)]
    seen = _rows_in_sight(access, [report for report in read if isinstance(report, _Report)])
    act = current_act()
    as_reported = acting(
        Actor.from_user(access.user),
        EventSource.BROWSER,
        correlation_id=act.correlation_id,
        metadata=dict(act.metadata),
        impersonator=act.impersonator,
        reason=act.reason,
        visit=act.visit,
    )
    with as_reported, gathered(), transaction.atomic(savepoint=False):
        return tuple(_verdict(access, report, seen, f"/events/{index}") for index, report in enumerate(read))


def _attempt(access: GridAccess, raw: Any, at: str) -> _Report | GridKitError:
    try:
        return _read(access, raw, at)
    except GridKitError as error:
        return error


def _read(access: GridAccess, raw: Any, at: str) -> _Report:
    """Read one event.

    Raises:
        GridKitError: when it is none that a browser may send; the code says why.
    """
    if isinstance(raw, Mapping) and (forged := sorted(STAMPS & set(raw))):
        raise EventOriginError.at(
            f"{at}/{forged[0]}", f"The {forged[0]} of an event is the server's word. Leave it out."
        )
    raw = read_object(raw, at, ("type", "payload"))
    kind = _kind(read_text(raw.get("type"), f"{at}/type"), f"{at}/type")
    payload = raw.get("payload")
    with below(f"{at}/payload"):
        _refuse_large(payload)
        return _Report(kind, PAYLOADS[kind](access, {} if payload is None else payload))


def _kind(name: str, at: str) -> str:
    """Return the canonical type.

    Raises:
        UnknownEventTypeError: for a name that is none.
        EventOriginError: for a fact that only the server makes.
    """
    try:
        kind = canonical_type(name)
    except UnknownEventTypeError as error:
        raise UnknownEventTypeError.at(at, error.detail) from error
    if kind not in INTERACTION_TYPES:
        raise EventOriginError.at(at, f"Only the server makes {kind!r} events.")
    return kind


def _refuse_large(payload: Any) -> None:
    size, most = len(json.dumps(payload, ensure_ascii=False).encode()), settings().MESSAGE_BYTES_MAX
    if size > most:
        raise EventError.at("", f"The payload has {size} bytes; at most {most} are allowed.")


def _rows_in_sight(access: GridAccess, reports: Iterable[_Report]) -> frozenset[Any]:
    """Return the keys of those rows that the user may see."""
    keys = {_key(access, report.payload.row) for report in reports if report.payload.row is not None} - {None}
    if not keys:
        return frozenset()
    return frozenset(access.queryset().filter(pk__in=keys).values_list("pk", flat=True))


def _key(access: GridAccess, raw: Any) -> Any:
    """Return the primary key that an event names, or None when no row can have it."""
    field = access.options.model._meta.pk
    try:
        return field.clean(read_key(access, raw), None)
    except (RecordNotFoundError, ValidationError):
        return None


def _verdict(access: GridAccess, report: _Report | GridKitError, seen: frozenset[Any], at: str) -> Verdict:
    """Tell an event that was understood, unless it names a row that the user may not see."""
    if isinstance(report, GridKitError):
        return Verdict(error=report)
    row = report.payload.row
    if row is not None and _key(access, row) not in seen:
        error = record_not_found()
        return Verdict(error=RecordNotFoundError.at(f"{at}/payload/rowId", error.detail))
    event = make_event(report.type, report.payload.values, grid=access.grid_id)
    try:
        with lazy_savepoint(DEFAULT_DB_ALIAS):
            event_bus().emit(event, sender=access.grid)
    except EventError as error:
        return Verdict(error=error)
    return Verdict(event.id)
