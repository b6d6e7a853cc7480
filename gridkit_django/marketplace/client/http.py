"""Asking a marketplace over HTTP: bounded in time and size, no redirect, and every way of failing has its own error."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from gridkit_django.conf import settings
from gridkit_django.exceptions import (
    MarketplaceAnswerError,
    MarketplaceDeniedError,
    MarketplaceOfflineError,
    MarketplaceUnreachableError,
)
from gridkit_django.marketplace.client.remotes import Remote

BODY_BYTES_MAX = 32_000_000
DEADLINE_SECONDS = 60.0
_CHUNK = 65_536
_DETAIL_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Attributes:
        method: ``GET``, ``POST`` or ``PUT``.
        path: below the marketplace's address.
        query: parameters of the address.
        body: JSON values that are sent, None for none.
        form: fields of a multipart form, None for none; a file is a pair of its name and its content.
    """

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    body: Any = None
    form: Mapping[str, Any] | None = None


class RemoteClient:
    """Asks one marketplace.

    Args:
        remote: which.
    """

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        timeout = urllib3.Timeout(connect=remote.timeout, read=remote.timeout)
        common: dict[str, Any] = {"timeout": timeout, "retries": False, "ca_certs": remote.ca_file or None}
        self._pool = urllib3.ProxyManager(remote.proxy, **common) if remote.proxy else urllib3.PoolManager(**common)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Return a JSON object.

        Raises:
            MarketplaceError: see ``ask``.
        """
        return self.ask(Request("GET", path, query))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a JSON object; return the answer's.

        Raises:
            MarketplaceError: see ``ask``.
        """
        return self.ask(Request("POST", path, body=dict(body)))

    def ask(self, request: Request) -> dict[str, Any]:
        """Send a request and return the JSON object of the answer; empty when there is none.

        Raises:
            MarketplaceOfflineError: when this site asks nobody.
            MarketplaceUnreachableError: when no answer came, not in time, or one of a server that is not well.
            MarketplaceDeniedError: when the marketplace refused the request; its words are in the text.
            MarketplaceAnswerError: when the answer is no JSON object.
        """
        if self.remote.bundle:
            raise MarketplaceOfflineError(f"The marketplace {self.remote.alias!r} is a bundle: nobody can be asked.")
        if settings().MARKETPLACE_OFFLINE:
            raise MarketplaceOfflineError(
                "This site asks no marketplace (MARKETPLACE_OFFLINE). Install from a bundle, or set it to False."
            )
        try:
            status, kind, body = self._send(request)
        except (HTTPError, OSError) as error:
            raise MarketplaceUnreachableError(
                f"The marketplace {self.remote.alias!r} can't be reached ({type(error).__name__}). It is tried again."
            ) from error
        if status in (301, 302, 303, 307, 308):
            raise MarketplaceAnswerError(
                f"The marketplace {self.remote.alias!r} sent us elsewhere. Write the whole address into the settings."
            )
        if status >= 500 or status == 429:
            raise MarketplaceUnreachableError(
                f"The marketplace {self.remote.alias!r} is not well (status {status}). It is tried again."
            )
        found = self._parsed(kind, body, status)
        if status >= 400:
            told = str(found.get("detail") or found.get("title") or "no reason was given")[:_DETAIL_LENGTH]
            raise MarketplaceDeniedError(
                f"The marketplace {self.remote.alias!r} refused this (status {status}): {told}",
                extra={"status": status, "code": str(found.get("code", ""))[:80]},
            )
        return found

    def _send(self, request: Request) -> tuple[int, str, bytes]:
        headers = {"User-Agent": "GridKit", "Accept": "application/json"}
        if self.remote.token:
            headers["Authorization"] = f"Bearer {self.remote.token}"
        end = time.monotonic() + DEADLINE_SECONDS
        options: dict[str, Any] = {}
        url = self.remote.url + request.path
        if request.query:
            options["fields"] = {key: str(value) for key, value in request.query.items() if value is not None}
        elif request.form is not None:
            options["fields"] = dict(request.form)
        elif request.body is not None:
            options["body"] = json.dumps(request.body).encode()
            headers["Content-Type"] = "application/json"
        answer = self._pool.request(
            request.method, url, headers=headers, preload_content=False, redirect=False, **options
        )
        try:
            return answer.status, answer.headers.get("Content-Type", ""), _read(answer, end)
        finally:
            answer.close()

    def _parsed(self, kind: str, body: bytes, status: int) -> dict[str, Any]:
        if status == 204 or (status < 300 and not body):
            return {}
        if "json" not in kind.lower():
            raise MarketplaceAnswerError(
                f"What answers at {self.remote.url} is no marketplace: it sent {kind[:60] or 'something'!r}, not JSON. "
                "Look at the address, and whether a login page or a proxy stands before it."
            )
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise MarketplaceAnswerError(f"The marketplace {self.remote.alias!r} sent broken JSON.") from error
        if not isinstance(found, dict):
            raise MarketplaceAnswerError(f"The marketplace {self.remote.alias!r} sent no JSON object.")
        return found


def _read(answer: urllib3.BaseHTTPResponse, end: float) -> bytes:
    """Read a body that is not too large, from a server that does not only drip."""
    body = bytearray()
    while piece := answer.read(_CHUNK):
        body += piece
        if len(body) > BODY_BYTES_MAX:
            raise MarketplaceAnswerError(f"The marketplace sent more than {BODY_BYTES_MAX} bytes at once.")
        if time.monotonic() > end:
            raise MarketplaceUnreachableError(f"The marketplace took over {DEADLINE_SECONDS:g} seconds to answer.")
    return bytes(body)
