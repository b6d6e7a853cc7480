"""A webhook: the events as they are, in one signed POST, to an address of the site's own."""

from __future__ import annotations

import hmac
import json
import time
from dataclasses import asdict
from urllib.parse import urlsplit

from gridkit_django.plugins import OutgoingMessage, OutgoingRequest, OutgoingResponse, Verdict, default_judge
from gridkit_plugins.analytics.config import WebhookConfig
from gridkit_plugins.analytics.providers.base import Limits, events_of


class Webhook:
    """Sends batches of at most 500 events and 1 MB.

    ``GridKit-Signature`` is ``t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>" in hex>``, as for all webhooks here.

    Args:
        config: its section of the configuration.
        key: what signs the requests; empty for no signature.
    """

    limits = Limits(500, 900_000)

    def __init__(self, config: WebhookConfig, key: str) -> None:
        self._url = config.url
        self._key = key

    @property
    def host(self) -> str:
        """The host that is talked to."""
        return urlsplit(self._url).netloc

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        """Make the request that carries a batch."""
        told = {"v": 1, "events": [asdict(event) for event in events_of(messages)]}
        body = json.dumps(told, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["GridKit-Signature"] = signature(self._key, int(time.time()), body)
        return OutgoingRequest("POST", self._url, headers, body)

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        """Judge by the status."""
        return default_judge(messages, response)


def signature(key: str, seconds: int, body: bytes) -> str:
    """Return the value of the header ``GridKit-Signature``."""
    digest = hmac.new(key.encode(), f"{seconds}.".encode() + body, "sha256").hexdigest()
    return f"t={seconds},v1={digest}"
