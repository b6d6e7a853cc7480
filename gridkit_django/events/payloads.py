"""What an event carries: ids and plain values, never model instances, so that it can leave the process."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from django.utils import timezone

from gridkit_django.events.types import EventSource, canonical_type
from gridkit_django.events.visits import NO_VISIT, Visit
from gridkit_django.typing import JSONObject, JSONValue, User


class ActorKind(StrEnum):
    """What kind of somebody acted."""

    USER = "user"
    ANONYMOUS = "anonymous"
    PLUGIN = "plugin"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted, as plain values that stay true when the user is gone.

    Attributes:
        kind: a user, a plugin, the system, or nobody who logged in.
        id: the user's primary key as text, the plugin's id, or the name of the part of the system.
        label: a name for people, as it was at the time of the act.
    """

    kind: ActorKind
    id: str
    label: str

    @classmethod
    def from_user(cls, user: User | None) -> Actor:
        """Describe a Django user; ``None`` and anonymous users give the anonymous actor."""
        if user is None or not user.is_authenticated:
            return cls(ActorKind.ANONYMOUS, "", "anonymous")
        return cls(ActorKind.USER, str(user.pk), str(user))

    @classmethod
    def plugin(cls, plugin_id: str) -> Actor:
        """Describe a plugin that acts on its own."""
        return cls(ActorKind.PLUGIN, plugin_id, plugin_id)

    @classmethod
    def system(cls, part: str) -> Actor:
        """Describe a named part of the system, for example ``runtime`` or ``exports``."""
        return cls(ActorKind.SYSTEM, part, part)


@dataclass(frozen=True, slots=True)
class BulkPart:
    """What an event of a bulk change belongs to: one act on many rows, all of them or none.

    Attributes:
        rows: how many rows the act is about.
        columns: ids of the columns that it changes; empty for a deletion.
        is_first: whether this is the first event of its type in the act. Whoever counts acts looks at these only.
    """

    rows: int
    columns: tuple[str, ...]
    is_first: bool


@dataclass(frozen=True, slots=True)
class GridEvent:
    """One thing that happened, or is about to happen.

    Attributes:
        type: canonical event type, see ``gridkit_django.events.types``.
        payload: plain values; the keys of each type are in ``docs/reference/events.md``.
        grid: id of the grid, or None for events of no grid (``plugin:*``).
        actor: who did it, stamped by the server.
        source: through which door it came.
        id: unique; the same in all three moments.
        timestamp: when it was made, aware.
        correlation_id: ties together all that one request or task caused.
        visit: which session of which browser it came from; stays in this process.
        bulk: the bulk change that it is a part of, or None; stays in this process.
    """

    type: str
    payload: JSONObject
    grid: str | None
    actor: Actor
    source: EventSource
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    timestamp: datetime = field(default_factory=timezone.now)
    correlation_id: str = ""
    visit: Visit = NO_VISIT
    bulk: BulkPart | None = None

    def __post_init__(self) -> None:
        """Resolve an alias and freeze the payload.

        Raises:
            UnknownEventTypeError: for a type that is not in the catalogue.
        """
        object.__setattr__(self, "type", canonical_type(self.type))
        object.__setattr__(self, "payload", MappingProxyType(dict(self.payload)))

    def with_payload(self, **values: JSONValue) -> GridEvent:
        """Return the same event (same id) with more or other payload values."""
        return replace(self, payload={**self.payload, **values})

    def as_dict(self) -> dict[str, Any]:
        """Return the event as plain JSON values, for the wire and for storage."""
        return {
            "id": self.id,
            "type": self.type,
            "grid": self.grid,
            "payload": dict(self.payload),
            "actor": {"kind": self.actor.kind.value, "id": self.actor.id, "label": self.actor.label},
            "source": self.source.value,
            "timestamp": self.timestamp.isoformat(),
            "correlationId": self.correlation_id,
        }
