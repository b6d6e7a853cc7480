"""PostHog, ``POST /batch/``: https://posthog.com/docs/api/capture."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from tests.official.analytics.vendors.server import KEY, Reply, Request, Vendor, need


class PostHog(Vendor):
    path = "/batch/"
    config: dict[str, Any] = {}
    is_over_quota = False

    def judge(self, request: Request) -> Reply:
        need(len(request.body) <= 20_000_000, 413, {"error": "too large"})
        body = request.json()
        invalid = {"type": "authentication_error", "code": "invalid_api_key", "detail": "Project API key invalid."}
        need(body.get("api_key") == KEY, 401, invalid)
        for event in body["batch"]:
            need(_is_right(event), 400, {"type": "validation_error", "code": "invalid_payload", "detail": "event"})
        if self.is_over_quota:
            return Reply(200, {"status": "Ok", "quota_limited": ["events"]})
        for event in body["batch"]:
            self.take(event["uuid"], event)
        return Reply(200, {"status": "Ok"})


def _is_right(event: Any) -> bool:
    try:
        uuid.UUID(event["uuid"])
        moment = datetime.fromisoformat(event["timestamp"])
    except (KeyError, ValueError):
        return False
    who = event.get("distinct_id")
    return bool(
        event.get("event")
        and len(event["event"]) <= 200
        and isinstance(who, str)
        and 0 < len(who) <= 200
        and moment.tzinfo is not None
        and isinstance(event.get("properties"), dict)
    )
