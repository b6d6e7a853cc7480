"""Answers with an entity tag: 304 when the client has them already (RFC 9110, 13.1.2)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.utils.cache import patch_vary_headers
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.etags import EntityTag, parse_condition


def body_tag(body: Any) -> str:
    """Return a tag that is another one for another body."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def tagged_response(request: Request, data: Any, opaque: str) -> Response:
    """Answer ``data`` under a strong entity tag, or 304 when ``If-None-Match`` names it.

    A cache of the user's own may keep the answer, and must ask each time: rights change what it holds.

    Args:
        request: the request.
        data: the body.
        opaque: the tag's text, without quotes.

    Raises:
        HeaderInvalidError: when ``If-None-Match`` is malformed.
    """
    header = request.headers.get("If-None-Match", "")
    known = (
        bool(header.strip()) and request.method in {"GET", "HEAD"} and parse_condition(header).matches_weakly(opaque)
    )
    response = Response(status=304) if known else Response(data)
    response["ETag"] = str(EntityTag(opaque))
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ("Authorization", "Cookie"))
    return response
