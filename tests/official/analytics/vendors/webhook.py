"""A webhook of the site's own: docs/plugins/analytics.md."""

from __future__ import annotations

import hmac
import re
import time
from typing import Any

from tests.official.analytics.vendors.server import KEY, Reply, Request, Vendor, need


class Webhook(Vendor):
    path = "/events"
    config: dict[str, Any] = {}

    def configured(self, **more: Any) -> dict[str, Any]:
        return {"provider": "webhook", "webhook": {"url": f"{self.url}{self.path}", "api_key": KEY}, **more}

    def judge(self, request: Request) -> Reply:
        found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", request.headers.get("gridkit-signature", ""))
        need(found is not None and abs(time.time() - int(found[1])) < 300, 401, {"error": "signature"})
        assert found is not None
        wanted = hmac.new(KEY.encode(), f"{found[1]}.".encode() + request.body, "sha256").hexdigest()
        need(hmac.compare_digest(found[2], wanted), 401, {"error": "signature"})
        body = request.json()
        need(body["v"] == 1, 422, {"error": "version"})
        for event in body["events"]:
            wanted_keys = {"id", "name", "at", "user", "session", "device", "properties"}
            need(set(event) == wanted_keys and event["id"] and event["name"], 422, {"error": "event"})
            self.take(event["id"], event)
        return Reply(200, {})
