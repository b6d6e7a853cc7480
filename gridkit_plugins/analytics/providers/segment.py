"""Segment: the batch endpoint of the HTTP Tracking API (``/v1/batch``), which folds doubles by ``messageId``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gridkit_django.plugins import OutgoingMessage, OutgoingRequest, OutgoingResponse, Verdict, default_judge
from gridkit_plugins.analytics.config import RegionConfig
from gridkit_plugins.analytics.providers.base import LIBRARY, NOBODY, Limits, Tracked, basic, events_of

_BASES = {"us": "https://api.segment.io", "eu": "https://eu1.api.segmentapis.com"}


class Segment:
    """Sends batches of at most 500 kB; one event has far less than the 32 kB that are allowed.

    Args:
        config: its section of the configuration.
        key: the write key of the source.
    """

    limits = Limits(500, 220_000)

    def __init__(self, config: RegionConfig, key: str) -> None:
        self._key = key
        self._base = config.host or _BASES[config.region]

    @property
    def host(self) -> str:
        """The host that is talked to."""
        return urlsplit(self._base).netloc

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        """Make the request that carries a batch."""
        body = {"batch": [_event(event) for event in events_of(messages)]}
        return OutgoingRequest("POST", f"{self._base}/v1/batch", {"Authorization": basic(self._key)}, body)

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        """Judge by the status: Segment takes a batch or refuses it."""
        return default_judge(messages, response)


def _event(event: Tracked) -> dict[str, Any]:
    anonymous = event.device or ("" if event.user else event.session or NOBODY)
    return {
        "type": "track",
        "event": event.name,
        "messageId": event.id,
        "timestamp": event.moment,
        "properties": event.properties,
        "context": {"library": {"name": LIBRARY}, **({"sessionId": event.session} if event.session else {})},
        **({"userId": event.user} if event.user else {}),
        **({"anonymousId": anonymous} if anonymous else {}),
    }
