"""Mixpanel, ``POST /import``: https://docs.mixpanel.com/reference/import-events."""

from __future__ import annotations

import base64
import re
import time
from typing import Any

from tests.official.analytics.vendors.server import KEY, Reply, Request, Vendor, need

_BANNED = {
    "", "00000000-0000-0000-0000-000000000000", "anon", "anonymous", "nil", "none", "null", "n/a", "na", "undefined",
    "unknown", "lmy47d", "-1", "0", "false", "true", "[]", "{}",
}  # fmt: skip


class Mixpanel(Vendor):
    path = "/import"
    config: dict[str, Any] = {}

    def judge(self, request: Request) -> Reply:
        token = base64.b64encode(f"{KEY}:".encode()).decode()
        need(request.headers.get("authorization") == f"Basic {token}", 401, {"code": 401, "error": "Unauthorized"})
        need(request.headers["content-type"] == "application/json", 400, {"code": 400, "error": "content type"})
        need(request.query.get("strict") == "1", 400, {"code": 400, "error": "strict"})
        need(len(request.body) <= 2_000_000, 413, {"code": 413, "error": "request exceeds max limit of 2097152 bytes"})
        events = request.json()
        need(isinstance(events, list), 400, {"code": 400, "error": "expected a list"})
        need(len(events) <= 2000, 413, {"code": 413, "error": "at most 2000 events"})
        failed = []
        for index, event in enumerate(events):
            fault = _fault(event)
            if fault:
                where = {"index": index, "insert_id": event["properties"].get("$insert_id", "")}
                failed.append({**where, "field": fault, "message": f"'{fault}' is invalid"})
            else:
                self.take(event["properties"]["$insert_id"], event)
        if failed:
            body = {"code": 400, "error": "some data points in the request failed validation", "failed_records": failed}
            return Reply(400, {**body, "num_records_imported": len(events) - len(failed), "status": "Bad Request"})
        return Reply(200, {"code": 200, "num_records_imported": len(events), "status": "OK"})


def _fault(event: Any) -> str:
    name, properties = event.get("event"), event.get("properties")
    if not isinstance(name, str) or not name or len(name) > 255:
        return "event"
    if not isinstance(properties, dict) or len(properties) > 255:
        return "properties"
    moment, who = properties.get("time"), properties.get("distinct_id")
    if not isinstance(moment, int) or not 31_536_000_000 <= moment <= (time.time() + 3600) * 1000:
        return "properties.time"
    if not isinstance(who, str) or (who and who.lower() in _BANNED):
        return "properties.distinct_id"
    if not re.fullmatch(r"[A-Za-z0-9-]{1,36}", str(properties.get("$insert_id", ""))):
        return "properties.$insert_id"
    return next((f"properties.{key}" for key, value in properties.items() if _depth(value) > 3), "")


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0
