"""The circumstances of a request: its id, and the facts about it that the audit trail keeps."""

from __future__ import annotations

import re
import uuid

from django.http import HttpRequest

REQUEST_ID_HEADER = "X-Request-ID"

_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_AGENT_LENGTH_MAX = 300


def request_id_of(request: HttpRequest) -> str:
    """Return the id that a proxy or the client gave the request when it is well-formed, else a new one.

    Well-formed: a letter or digit, then up to 127 letters, digits, dots, underscores, colons and hyphens. So an id
    can be logged and sent back as it is.
    """
    given = request.headers.get(REQUEST_ID_HEADER, "")
    return given if _WELL_FORMED.fullmatch(given) else str(uuid.uuid4())


def request_facts(request: HttpRequest, request_id: str) -> dict[str, str]:
    """Return the facts for the audit trail: request id, address and user agent.

    The address is the one of the connection. Behind a proxy, let the proxy's middleware set ``REMOTE_ADDR``: a
    header that anybody can send is no evidence.
    """
    facts = {
        "requestId": request_id,
        "ip": str(request.META.get("REMOTE_ADDR") or ""),
        "userAgent": request.headers.get("User-Agent", "")[:_AGENT_LENGTH_MAX],
    }
    return {name: value for name, value in facts.items() if value}
