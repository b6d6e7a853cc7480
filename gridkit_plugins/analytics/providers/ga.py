"""Google Analytics 4: the Measurement Protocol (``/mp/collect``).

A request speaks of one client, so a batch of several is sent one client after the other. Google answers 2xx whatever
comes, and knows no deduplication id: what a lost worker has sent already is counted twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from gridkit_django.plugins import OutgoingMessage, OutgoingRequest, OutgoingResponse, Verdict, default_judge
from gridkit_plugins.analytics.config import GoogleConfig
from gridkit_plugins.analytics.providers.base import NOBODY, Limits, Tracked, events_of

_HOSTS = {"us": "www.google-analytics.com", "eu": "region1.google-analytics.com"}
_NAME_LENGTH = 40
_VALUE_LENGTH = 100
_PARAMS_MAX = 25

_RESERVED_EVENTS = frozenset(
    {
        "ad_activeview", "ad_click", "ad_exposure", "ad_impression", "ad_query", "ad_reward", "adunit_exposure",
        "app_clear_data", "app_exception", "app_install", "app_remove", "app_store_refund",
        "app_store_subscription_cancel", "app_store_subscription_renew", "app_update", "app_upgrade", "click",
        "dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open", "error", "file_download",
        "firebase_campaign", "firebase_in_app_message_action", "firebase_in_app_message_dismiss",
        "firebase_in_app_message_impression", "first_open", "first_visit", "form_start", "form_submit",
        "in_app_purchase", "notification_dismiss", "notification_foreground", "notification_open",
        "notification_receive", "os_update", "page_view", "screen_view", "scroll", "session_start",
        "session_start_with_rollout", "user_engagement", "video_progress", "video_start", "view_complete",
        "view_search_results",
    }
)  # fmt: skip
_RESERVED_PARAMS = frozenset(
    {
        "cid", "currency", "customer_id", "customerid", "dclid", "engagement_time_msec", "firebase_conversion", "gclid",
        "session_id", "session_number", "sessionid", "sfmc_id", "sid", "srsltid", "uid", "user_id", "userid",
    }
)  # fmt: skip
_RESERVED_PREFIXES = ("_", "firebase_", "ga_", "google_", "gtag_", "query_id")


class GoogleAnalytics:
    """Sends requests of at most 25 events of one client.

    Args:
        config: its section of the configuration.
        key: the API secret of the Measurement Protocol.
    """

    limits = Limits(25, 60_000, timedelta(days=3))

    def __init__(self, config: GoogleConfig, key: str) -> None:
        self._measurement_id = config.measurement_id
        self._key = key
        self._base = config.host or f"https://{_HOSTS[config.region]}"

    @property
    def host(self) -> str:
        """The host that is talked to."""
        return urlsplit(self._base).netloc

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        """Make the request that carries the events of the first client in a batch."""
        events = events_of(messages)
        client = _client(events[0])
        user = {"user_id": events[0].user} if events[0].user else {}
        told = [_event(event) for event in events if _client(event) == client]
        body: dict[str, Any] = {"client_id": client, **user, "events": told}
        query = urlencode({"measurement_id": self._measurement_id, "api_secret": self._key})
        return OutgoingRequest("POST", f"{self._base}/mp/collect?{query}", {}, body)

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        """Leave the events of other clients for the next requests."""
        if not 200 <= response.status < 300:
            return default_judge(messages, response)
        events = events_of(messages)
        client = _client(events[0])
        return Verdict.delivered(left={index for index, event in enumerate(events) if _client(event) != client})


def _event(event: Tracked) -> dict[str, Any]:
    waited = event.properties.get("durationMs")
    stamps = {
        "engagement_time_msec": waited if isinstance(waited, int) and waited > 0 else 1,
        **({"session_id": str(_number(event.session))} if event.session else {}),
    }
    params = dict(list(_params(event.properties.items()))[: _PARAMS_MAX - len(stamps)])
    return {"name": event_name(event.name), "params": {**params, **stamps}, "timestamp_micros": event.at * 1000}


def event_name(name: str) -> str:
    """Return the name as Google takes it: ``table_row_selected``."""
    return _google_name(name, _RESERVED_EVENTS)


def _google_name(name: str, reserved: frozenset[str]) -> str:
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    plain = re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")[:_NAME_LENGTH]
    if not plain[:1].isalpha() or plain in reserved or plain.startswith(_RESERVED_PREFIXES):
        return f"grid_{plain}"[:_NAME_LENGTH]
    return plain


def _params(properties: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, str | int | float]]:
    for name, value in properties:
        plain = _value(value)
        if plain is not None:
            yield _google_name(name, _RESERVED_PARAMS), plain


def _value(value: Any) -> str | int | float | None:
    """Return a value as Google takes it: numbers and short texts; lists of those are joined, all else is left out."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str | int | float) for item in value):
        value = ",".join(str(item) for item in value)
    return value[:_VALUE_LENGTH] if isinstance(value, str) and value else None


def _client(event: Tracked) -> str:
    """Return the client's id, in the form of those that Google's own tag makes."""
    number = _number(event.device or event.user or event.session or NOBODY)
    return f"{number}.{_number(f'{number}') % 10_000_000_000}"


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
