"""Asking a marketplace as a publisher: with a token, over one connection, no redirect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from gridkit_django.exceptions import PublishRefusedError, TrustUnreachableError
from gridkit_django.marketplace.trust import HttpPlace
from gridkit_django.marketplace.trust.channels import is_readable_on_the_way

_ANSWER_BYTES_MAX = 1_048_576


def ask(
    place: HttpPlace, method: str, path: str, *, fields: Mapping[str, Any] | None = None, body: Any = None
) -> Mapping[str, Any]:
    """Send a request and return the JSON object of the answer.

    Args:
        place: the marketplace, with the publisher's token.
        method: such as ``POST``.
        path: below the marketplace's address.
        fields: parts of a form; a file is its name, its content and its type.
        body: JSON values; None for none.

    Raises:
        PublishRefusedError: when the marketplace says no, or what answers is none.
        TrustUnreachableError: when it does not answer.
    """
    if is_readable_on_the_way(place.url):
        raise PublishRefusedError(f"{place.url} is no https: others could read your token on the way. It was not sent.")
    timeout = urllib3.Timeout(connect=place.timeout, read=place.deadline)
    more: dict[str, Any] = {"timeout": timeout, "retries": False, "ca_certs": place.ca_file or None}
    headers = {"Accept": "application/json", "User-Agent": "GridKit", "Authorization": f"Bearer {place.token}"}
    sent: dict[str, Any] = {"fields": fields}
    if body is not None:
        sent = {"body": json.dumps(body).encode()}
        headers["Content-Type"] = "application/json"
    url = f"{place.url.rstrip('/')}/{path}"
    with urllib3.ProxyManager(place.proxy, **more) if place.proxy else urllib3.PoolManager(**more) as pool:
        try:
            answer = pool.request(method, url, headers=headers, redirect=False, preload_content=False, **sent)
            raw = answer.read(_ANSWER_BYTES_MAX)
            answer.close()
        except (HTTPError, OSError) as error:
            raise TrustUnreachableError(f"{url} did not answer: {type(error).__name__}. Try again later.") from error
    return _understood(answer.status, raw, url)


def _understood(status: int, raw: bytes, url: str) -> Mapping[str, Any]:
    try:
        facts = json.loads(raw)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise PublishRefusedError(
            f"{url} answered with status {status} and no JSON. Is it the address of a marketplace?"
        )
    if not 200 <= status < 300:
        told = str(facts.get("detail") or facts.get("title") or f"status {status}")[:2000]
        raise PublishRefusedError(told, extra={"status": status, "code": str(facts.get("code", ""))[:100]})
    return facts
