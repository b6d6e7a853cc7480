"""PostHog: the batch endpoint (``/batch/``), which folds doubles by ``uuid``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gridkit_django.plugins import OutgoingMessage, OutgoingRequest, OutgoingResponse, Verdict, default_judge
from gridkit_plugins.analytics.config import RegionConfig
from gridkit_plugins.analytics.providers.base import LIBRARY, NOBODY, Limits, Tracked, events_of, json_of

_BASES = {"us": "https://us.i.posthog.com", "eu": "https://eu.i.posthog.com"}
_QUOTA_SECONDS = 3600.0


class PostHog:
    """Sends batches of at most 1,000 events; up to 20 MB would be allowed.

    Args:
        config: its section of the configuration.
        key: the project's API key.
    """

    limits = Limits(1000, 2_000_000)

    def __init__(self, config: RegionConfig, key: str) -> None:
        self._key = key
        self._base = config.host or _BASES[config.region]

    @property
    def host(self) -> str:
        """The host that is talked to."""
        return urlsplit(self._base).netloc

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        """Make the request that carries a batch."""
        body: dict[str, Any] = {"api_key": self._key, "batch": [_event(event) for event in events_of(messages)]}
        return OutgoingRequest("POST", f"{self._base}/batch/", {}, body)

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        """Judge by the status; over its quota PostHog says 200 and takes nothing, so the batch waits."""
        if response.status == 200 and "events" in json_of(response).get("quota_limited", ()):
            return Verdict.later("PostHog takes no more events: the quota of the project is used up.", _QUOTA_SECONDS)
        return default_judge(messages, response)


def _event(event: Tracked) -> dict[str, Any]:
    properties = {
        **event.properties,
        **({"session": event.session} if event.session else {}),
        **({"$device_id": event.device} if event.device else {}),
        "$lib": LIBRARY,
        "$geoip_disable": True,  # the address that PostHog sees is the server's
        "$process_person_profile": bool(event.user),
    }
    return {
        "event": event.name,
        "uuid": event.id,
        "distinct_id": event.user or event.device or event.session or NOBODY,
        "timestamp": event.moment,
        "properties": properties,
    }
