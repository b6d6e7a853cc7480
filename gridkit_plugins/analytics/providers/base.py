"""What all providers share: a tracked event, and what a provider is asked."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from gridkit_django.plugins import OutgoingMessage, OutgoingRequest, OutgoingResponse, Verdict
from gridkit_django.typing import JSONObject

LIBRARY = "gridkit-django"
NOBODY = "anonymous"
"""Who acts when neither the user nor the browser is known."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """One event as it lies in the outbox. Its id is the deduplication id at every vendor that knows one.

    Attributes:
        id: the id of the event of the grid.
        name: what the vendor calls it.
        at: when it happened, in milliseconds since 1970.
        user: pseudonym, or id where the site says so; empty for nobody.
        session: id of the session of work; empty when nobody knows.
        device: id of the browser; empty unless the site remembers devices.
        properties: what is told of it.
    """

    id: str
    name: str
    at: int
    user: str
    session: str
    device: str
    properties: JSONObject

    def payload(self) -> dict[str, Any]:
        """Return it as a message of the outbox; the id is the message's key."""
        return {key: value for key, value in asdict(self).items() if key != "id"}

    @property
    def moment(self) -> str:
        """When it happened, as ISO 8601 in UTC."""
        return datetime.fromtimestamp(self.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request of a vendor may hold.

    Attributes:
        batch_max: events.
        bytes_max: bytes of their payloads as they lie in the outbox; a vendor's form of them is up to twice as long.
        max_age: how old an event may be that a vendor takes.
    """

    batch_max: int
    bytes_max: int
    max_age: timedelta = timedelta(days=7)


class Provider(Protocol):
    """A vendor, or whoever else is told. Functions of their arguments: no network, no clock of their own."""

    limits: Limits

    @property
    def host(self) -> str:
        """The host that is talked to, as a permission names it; empty when none is configured."""
        ...

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        """Make the request that carries a batch."""
        ...

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        """Say what became of a batch."""
        ...


def events_of(messages: Iterable[OutgoingMessage]) -> list[Tracked]:
    """Read the events in messages."""
    return [Tracked(id=message.key, **message.payload) for message in messages]  # type: ignore[arg-type]


def basic(user: str, password: str = "") -> str:
    """Return the value of the header ``Authorization`` (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def json_of(response: OutgoingResponse) -> dict[str, Any]:
    """Return the object in a response; empty when there is none."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return dict(found) if isinstance(found, dict) else {}
