"""Amplitude: the HTTP V2 API (``/2/httpapi``), which folds doubles by ``insert_id`` for seven days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gridkit_django.plugins import OutgoingMessage, OutgoingRequest, OutgoingResponse, Verdict, default_judge
from gridkit_plugins.analytics.config import RegionConfig
from gridkit_plugins.analytics.providers.base import LIBRARY, NOBODY, Limits, Tracked, events_of, json_of

_HOSTS = {"us": "api2.amplitude.com", "eu": "api.eu.amplitude.com"}
_THROTTLED_SECONDS = 30.0
"""For how long a user or a device that sends too much is left alone, says Amplitude."""


class Amplitude:
    """Sends batches of at most 1,000 events and 1 MB.

    Args:
        config: its section of the configuration.
        key: the project's API key.
    """

    limits = Limits(1000, 450_000)

    def __init__(self, config: RegionConfig, key: str) -> None:
        self._key = key
        self._base = config.host or f"https://{_HOSTS[config.region]}"

    @property
    def host(self) -> str:
        """The host that is talked to."""
        return urlsplit(self._base).netloc

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        """Make the request that carries a batch."""
        events = [_event(event) for event in events_of(messages)]
        body: dict[str, Any] = {"api_key": self._key, "events": events, "options": {"min_id_length": 1}}
        return OutgoingRequest("POST", f"{self._base}/2/httpapi", {}, body)

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        """Bury what is named as wrong, put off what is too much; of such a batch Amplitude has taken nothing."""
        told = json_of(response)
        if response.status == 400 and "api_key" in str(told.get("error", "")).replace("API key", "api_key"):
            return Verdict.hold(f"Amplitude does not know the key: {told['error']}")
        if response.status == 400:
            refused = _named(told)
            if refused:
                return Verdict.delivered(refused=refused, left=set(range(len(messages))) - set(refused))
        throttled = [int(index) for index in told.get("throttled_events", ())] if response.status == 429 else []
        if throttled:
            over = _over_quota(messages, told)
            again = dict.fromkeys(set(throttled) - set(over), _THROTTLED_SECONDS)
            left = set(range(len(messages))) - set(again) - set(over)
            return Verdict.delivered(again=again, refused=over, left=left, reason=str(told.get("error", "")))
        return default_judge(messages, response)


def _event(event: Tracked) -> dict[str, Any]:
    session = {"session": event.session} if event.session else {}
    device = event.device or ("" if event.user else event.session or NOBODY)
    return {
        "event_type": event.name,
        "time": event.at,
        "insert_id": event.id,
        "library": LIBRARY,
        "event_properties": {**event.properties, **session},
        **({"user_id": event.user} if event.user else {}),
        **({"device_id": device} if device else {}),
    }


def _named(told: Mapping[str, Any]) -> dict[int, str]:
    """Return the events that Amplitude names, by their index, and what is wrong with them."""
    found: dict[int, str] = {}
    for key in ("events_with_invalid_fields", "events_with_missing_fields"):
        for name, indexes in (told.get(key) or {}).items():
            found.update({int(index): f"{key.split('_')[2]} field {name}" for index in indexes})
    found.update({int(index): "silenced by Amplitude" for index in told.get("silenced_events") or ()})
    return found


def _over_quota(messages: tuple[OutgoingMessage, ...], told: Mapping[str, Any]) -> dict[int, str]:
    """Return the events of users and devices that may send nothing more today."""
    users, devices = told.get("exceeded_daily_quota_users", {}), told.get("exceeded_daily_quota_devices", {})
    return {
        index: "the user or device is over the daily quota of Amplitude"
        for index, event in enumerate(events_of(messages))
        if event.user in users or event.device in devices
    }
