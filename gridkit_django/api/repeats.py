"""Requests with an Idempotency-Key: sent twice, they are carried out once and answered the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.operations import header_parameter
from gridkit_django.api.refusals import HeaderInvalidError
from gridkit_django.grids.idempotency import answer_once

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
IDEMPOTENCY_KEY = header_parameter(
    HEADER, "A name of your own for the request. Sent again with the same body, it is answered the same and not done."
)

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def answered_once(request: Request, act: Callable[[], tuple[int, Any]]) -> Response:
    """Answer what ``act`` returns; with an Idempotency-Key, what it returned the first time.

    Args:
        request: the request.
        act: carries it out and returns status and body.

    Raises:
        HeaderInvalidError: when the key is too long, or holds anything but printable ASCII.
        IdempotencyError, RequestUnderWayError: see ``answer_once``.
    """
    key = request.headers.get(HEADER)
    if key is None:
        status, body = act()
        return Response(body, status=status)
    if not _KEY.fullmatch(key):
        raise HeaderInvalidError(f"{HEADER} must be 1 to 200 printable ASCII characters without spaces.")
    kept = answer_once(request.user, key, _fingerprint(request), act)
    response = Response(kept.body, status=kept.status)
    if kept.again:
        response[REPLAYED_HEADER] = "true"
    return response


def _fingerprint(request: Request) -> str:
    said = [request.method, request.path, sorted(request.query_params.lists()), request.data]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
