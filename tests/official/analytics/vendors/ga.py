"""Google Analytics 4, ``POST /mp/collect``: https://developers.google.com/analytics/devguides/collection/protocol/ga4.

Google answers 204 to whatever comes and drops what is wrong; here that is kept as ``violations``.
"""

from __future__ import annotations

import re
import time
from typing import Any

from tests.official.analytics.vendors.server import KEY, Reply, Request, Vendor, need

MEASUREMENT = "G-TEST123"

_EVENTS = {
    "ad_activeview", "ad_click", "app_exception", "click", "error", "file_download", "first_open", "first_visit",
    "form_start", "form_submit", "in_app_purchase", "page_view", "scroll", "session_start", "user_engagement",
}  # fmt: skip
_PREFIXES = ("_", "firebase_", "ga_", "google_", "gtag.")


class Ga(Vendor):
    path = "/mp/collect"
    config = {"measurement_id": MEASUREMENT}

    def __init__(self) -> None:
        super().__init__()
        self.violations: list[str] = []

    def judge(self, request: Request) -> Reply:
        need(len(request.body) <= 130_000, 413, {"error": "too large"})
        known = request.query == {"measurement_id": MEASUREMENT, "api_secret": KEY}
        body = request.json()
        self._note(known, "query")
        self._note(re.fullmatch(r"\d+\.\d+", str(body.get("client_id"))), "client_id")
        self._note("user_id" not in body or 0 < len(body["user_id"]) <= 256, "user_id")
        self._note(set(body) <= {"client_id", "user_id", "events"}, "keys")
        events = body["events"]
        self._note(1 <= len(events) <= 25, "number of events")
        for event in events:
            self._judge_event(event)
            self.take(
                f"{len(self.accepted)}", {**event, "client_id": body["client_id"], "user_id": body.get("user_id")}
            )
        return Reply(204)

    def _judge_event(self, event: dict[str, Any]) -> None:
        name, params = event["name"], event["params"]
        self._note(re.fullmatch(r"[A-Za-z]\w{0,39}", name), f"name {name}")
        self._note(name not in _EVENTS and not name.startswith(_PREFIXES), f"reserved {name}")
        self._note(len(params) <= 25, "number of params")
        now = time.time() * 1_000_000
        self._note(now - 72 * 3600 * 1_000_000 <= event["timestamp_micros"] <= now + 60_000_000, "timestamp")
        for key, value in params.items():
            self._note(re.fullmatch(r"[A-Za-z]\w{0,39}", key) and not key.startswith(_PREFIXES), f"param {key}")
            self._note(isinstance(value, (str, int, float)) and not isinstance(value, bool), f"type of {key}")
            self._note(not isinstance(value, str) or len(value) <= 100, f"length of {key}")

    def _note(self, condition: object, what: str) -> None:
        if not condition:
            self.violations.append(what)
