"""What a channel's code sees: messages on their way out, the request that carries them, the response. Plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gridkit_django.typing import JSONObject, JSONValue


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message that is to be delivered.

    Attributes:
        key: the deduplication id: sent again, the message has the same.
        payload: what was put.
        put_at: when it was put.
        attempts: how often it was tried alone without success.
    """

    key: str
    payload: JSONObject
    put_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """The request that carries a batch. It lives for this one try and is stored nowhere, so secrets belong in here.

    Attributes:
        method: ``POST``, ``PUT``, ``PATCH``, ``DELETE`` or ``GET``.
        url: ``https://host/path``.
        headers: what goes with it.
        body: bytes, or a JSON value, which is sent as ``application/json``.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | JSONValue = b""


@dataclass(frozen=True, slots=True)
class OutgoingResponse:
    """What a server answered.

    Attributes:
        status: the status.
        headers: by name in small letters.
        body: the first bytes of it, see ``ANSWER_BYTES_MAX``.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> JSONValue:
        """Return the body as JSON.

        Raises:
            ValueError: when it is none.
        """
        found: JSONValue = json.loads(self.body)
        return found

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")
