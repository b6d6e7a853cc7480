"""A marketplace of the tests: a real HTTP server in a thread, whose answers a test writes, good or bad."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HTML = b"<!doctype html><title>Please log in</title>"

Act = Callable[["Market", BaseHTTPRequestHandler], None]


class Market:
    """What is listed, and what was asked.

    Attributes:
        url: its address.
        serial: number of the last change.
        listings: by id, with the serial of their last change.
        removed: ids that are gone, with the serial.
        files: by path below the address.
        asked: what was asked, method and path.
        sent: bodies that came in, by path.
        act: answers in the place of the marketplace; None for the marketplace itself.
        page: listings in one page of changes.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.serial = 0
        self.listings: dict[str, tuple[int, dict[str, Any]]] = {}
        self.removed: dict[str, int] = {}
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.sent: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self.act: Act | None = None
        self.page = 200

    def put(self, listing: dict[str, Any]) -> None:
        """List a plugin, or change what is listed."""
        self.serial += 1
        self.removed.pop(listing["id"], None)
        self.listings[listing["id"]] = (self.serial, listing)

    def remove(self, plugin_id: str) -> None:
        """List it no more."""
        self.serial += 1
        del self.listings[plugin_id]
        self.removed[plugin_id] = self.serial

    def json(self, path: str, query: dict[str, list[str]]) -> Any:
        """Return what the marketplace answers to a GET; None when there is nothing."""
        if path in self.answers:
            return self.answers[path]
        if path == "api/v1/":
            return {"name": "Test market", "serial": self.serial, "protocol": 1}
        if path == "api/v1/changes/":
            return self._changes(int(query["since"][0]))
        return None

    def _changes(self, since: int) -> dict[str, Any]:
        events = [(serial, key, listing) for key, (serial, listing) in self.listings.items() if serial > since]
        events += [(serial, key, None) for key, serial in self.removed.items() if serial > since]
        events.sort(key=lambda event: event[0])
        page, more = events[: self.page], len(events) > self.page
        return {
            "serial": page[-1][0] if more else self.serial,
            "more": more,
            "listings": [listing for _, _, listing in page if listing is not None],
            "removed": [key for _, key, listing in page if listing is None],
        }


def listing(plugin_id: str = "@acme/colours", *, versions: list[dict[str, Any]] | None = None, **values: Any) -> Any:
    """Return a plugin as a marketplace lists it."""
    releases = [release()] if versions is None else versions
    return {
        "id": plugin_id,
        "name": plugin_id.partition("/")[2].title(),
        "summary": "Colours rows by their values.",
        "category": "ui",
        "tags": ["colour"],
        "publisher": {"name": "acme", "display_name": "Acme Inc", "identity_proved": True},
        "license": "MIT",
        "downloads": 10,
        "rating": {"value": 4.0, "count": 3},
        "updated_at": "2026-11-01T10:00:00Z",
        "versions": releases,
        **values,
    }


def release(version: str = "1.0.0", **values: Any) -> dict[str, Any]:
    """Return a release as a marketplace lists it."""
    return {
        "version": version,
        "digest": f"sha256:{'0' * 64}",
        "size": 10,
        "filename": f"acme_colours-{version}-py3-none-any.whl",
        "url": f"files/{'0' * 64}/acme_colours-{version}-py3-none-any.whl",
        "core_version": "*",
        "state": "published",
        "released_at": "2026-10-01T10:00:00Z",
        **values,
    }


@contextmanager
def open_market() -> Iterator[Market]:
    """Run a marketplace for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        do_POST = do_PUT = do_GET  # noqa: N815 - the names are the server's

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path.removeprefix("/market/")
            market.asked.append(f"{self.command} {path}")
            length = int(self.headers.get("Content-Length") or 0)
            if length:
                market.sent[path] = self.rfile.read(length)
            if market.act is not None:
                market.act(market, self)
                return
            if path in market.files:
                reply(self, market.files[path], "application/octet-stream")
                return
            found = market.json(path, parse_qs(parts.query))
            missing = {"title": "Not found", "detail": "There is no such thing here.", "code": "not-found"}
            body = json.dumps(missing if found is None else found).encode()
            reply(self, body, "application/json", 404 if found is None else 200)

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    market = Market(f"http://127.0.0.1:{server.server_address[1]}/market/")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield market
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(handler: BaseHTTPRequestHandler, body: bytes, kind: str, status: int = 200) -> None:
    """Answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)
