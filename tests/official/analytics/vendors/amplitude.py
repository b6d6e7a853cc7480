"""Amplitude, ``POST /2/httpapi``: https://amplitude.com/docs/apis/analytics/http-v2."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from tests.official.analytics.vendors.server import KEY, Reply, Request, Vendor, need

_RESERVED = {"[Amplitude] Start Session", "[Amplitude] End Session", "revenue_amount", "$identify", "$groupidentify"}


class Amplitude(Vendor):
    path = "/2/httpapi"
    config: dict[str, Any] = {}
    events_per_user = 1000
    over_quota: frozenset[str] = frozenset()

    def judge(self, request: Request) -> Reply:
        need(len(request.body) <= 1_000_000, 413, {"code": 413, "error": "Payload too large"})
        need(request.headers["content-type"].startswith("application/json"), 400, {"code": 400, "error": "type"})
        body = request.json()
        invalid_key = {"code": 400, "error": f"Invalid API key: {body.get('api_key')}"}
        need(body.get("api_key") == KEY, 400, invalid_key)
        events = body.get("events")
        missing = {"code": 400, "error": "Request missing required field", "missing_field": "events"}
        need(isinstance(events, list) and events, 400, missing)
        need(len(events) <= 2000, 413, {"code": 413, "error": "Payload too large"})
        least = body.get("options", {}).get("min_id_length", 5)
        self._refuse_wrong(events, least)
        self._refuse_too_many(events)
        for event in events:
            self.take(event["insert_id"], event)
        told = {"code": 200, "events_ingested": len(events), "payload_size_bytes": len(request.body)}
        return Reply(200, {**told, "server_upload_time": 1_396_381_378_123})

    def _refuse_wrong(self, events: list[Any], least: int) -> None:
        lacks, wrong = defaultdict(list), defaultdict(list)
        for index, event in enumerate(events):
            if not isinstance(event.get("event_type"), str) or not event["event_type"]:
                lacks["event_type"].append(index)
            elif event["event_type"] in _RESERVED:
                wrong["event_type"].append(index)
            ids = [event[key] for key in ("user_id", "device_id") if event.get(key) is not None]
            if not ids:
                lacks["user_id"].append(index)
            if any(not isinstance(item, str) or len(item) < least for item in ids):
                wrong["user_id"].append(index)
            if not isinstance(event.get("time"), int) or event["time"] < 0:
                wrong["time"].append(index)
            if not isinstance(event.get("event_properties"), dict):
                wrong["event_properties"].append(index)
        told = {"code": 400, "error": "Request missing required field", "missing_field": None}
        named = {"events_with_invalid_fields": wrong, "events_with_missing_fields": lacks, "silenced_events": []}
        need(not wrong and not lacks, 400, {**told, **named})

    def _refuse_too_many(self, events: list[Any]) -> None:
        users = Counter(event.get("user_id") for event in events)
        busy = {user: number for user, number in users.items() if number > self.events_per_user}
        spent = {user: number for user, number in users.items() if user in self.over_quota}
        named = [index for index, event in enumerate(events) if event.get("user_id") in {**busy, **spent}]
        told = {
            "code": 429, "error": "Too many requests for some devices and users", "eps_threshold": 30,
            "throttled_devices": {}, "throttled_users": busy, "throttled_events": named,
            "exceeded_daily_quota_users": spent, "exceeded_daily_quota_devices": {},
        }  # fmt: skip
        need(not named, 429, told)
