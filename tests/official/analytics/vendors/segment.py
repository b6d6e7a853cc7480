"""Segment, ``POST /v1/batch``: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from tests.official.analytics.vendors.server import KEY, Reply, Request, Vendor, need


class Segment(Vendor):
    path = "/v1/batch"
    config: dict[str, Any] = {}

    def judge(self, request: Request) -> Reply:
        token = base64.b64encode(f"{KEY}:".encode()).decode()
        need(request.headers.get("authorization") == f"Basic {token}", 401, {"success": False})
        need(len(request.body) <= 500_000, 400, {"success": False, "message": "batch too large"})
        body = request.json()
        need(set(body) <= {"batch", "context", "integrations", "sentAt"}, 400, {"success": False})
        for item in body["batch"]:
            need(_is_right(item), 400, {"success": False, "message": "invalid message"})
        for item in body["batch"]:
            self.take(item["messageId"], item)
        return Reply(200, {"success": True})


def _is_right(item: Any) -> bool:
    who = item.get("userId") or item.get("anonymousId")
    try:
        moment = datetime.fromisoformat(item["timestamp"])
    except (KeyError, ValueError):
        return False
    return bool(
        item.get("type") == "track"
        and item.get("event")
        and isinstance(item["event"], str)
        and who
        and 0 < len(item.get("messageId", "")) <= 100
        and moment.tzinfo is not None
        and isinstance(item.get("properties"), dict)
        and len(json.dumps(item)) <= 32_000
    )
