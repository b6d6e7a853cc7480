"""A small HTTP client for the tests: JSON in and out, every status is an answer, cookies are kept."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, Request, build_opener


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Attributes:
        status: The HTTP status.
        headers: The headers, names in any case.
        body: The bytes.
        url: The address that answered at last (redirects are followed).
    """

    status: int
    headers: Message
    body: bytes
    url: str

    def json(self) -> Any:
        """Return the body read as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body read as UTF-8."""
        return self.body.decode()


class Client:
    """Talks to one web server.

    Args:
        base: The server's address; paths are joined to it.
        user: Who is named in the Basic header; empty for nobody.
        password: That user's password.
        token: A token that says who asks; quicker than a password, which is hashed at each request.
    """

    def __init__(self, base: str, user: str = "", password: str = "", *, token: str = "") -> None:
        self.base = base
        self._cookies = CookieJar()
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(self._cookies), HTTPRedirectHandler)
        secret = base64.b64encode(f"{user}:{password}".encode()).decode()
        known = f"Token {token}" if token else f"Basic {secret}"
        self._headers = {"Authorization": known} if user or token else {}

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch an address."""
        return self.send("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Post a JSON body."""
        return self.send("POST", path, body if body is not None else {}, headers=headers)

    def patch(self, path: str, body: Any, *, version: str | None = None) -> Answer:
        """Patch with a JSON body, for the version of the row that it was made from (If-Match)."""
        match = {"If-Match": f'"{version}"'} if version is not None else {}
        return self.send("PATCH", path, body, headers=match)

    def delete(self, path: str) -> Answer:
        """Delete what an address names."""
        return self.send("DELETE", path)

    def send(self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request and return the answer, whatever its status."""
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        return self._open(method, path, data, {**self._headers, **kind, **self._csrf(), **(headers or {})})

    def _csrf(self) -> dict[str, str]:
        """Return the header with which Django lets a session change something."""
        tokens = [cookie.value for cookie in self._cookies if cookie.name == "csrftoken" and cookie.value]
        return {"X-CSRFToken": tokens[-1]} if tokens else {}

    def log_in(self, path: str, user: str, password: str) -> Answer:
        """Fill in a login form of Django as a browser would; later requests carry the session."""
        return self.submit(path, {"username": user, "password": password})

    def submit(self, path: str, fields: Mapping[str, str | list[str]], *, to: str = "") -> Answer:
        """Post a form together with the CSRF token that the page at this path holds.

        Args:
            path: the page with the form.
            fields: names and values; a list for a field with several values.
            to: where the form is sent; by default to the page itself.
        """
        page = self.get(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        form = {**fields, **({"csrfmiddlewaretoken": token[1]} if token else {})}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": urljoin(self.base, path)}
        return self._open("POST", to or path, urlencode(form, doseq=True).encode(), {**self._headers, **headers})

    def _open(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> Answer:
        request = Request(urljoin(self.base, path), data, dict(headers), method=method)  # noqa: S310 - loopback
        try:
            with self._opener.open(request, timeout=60) as reply:
                return Answer(reply.status, reply.headers, reply.read(), reply.url)
        except HTTPError as reply:
            with reply:
                return Answer(reply.code, reply.headers, reply.read(), reply.url)
