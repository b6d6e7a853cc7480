"""A vendor's server on this machine: a thread, the vendor's rules, and faults that a test asks for."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "key-of-the-project"


@dataclass(frozen=True)
class Request:
    """What came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """One answer; status 0 cuts the connection without a word."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    waits: float = 0.0


class Refused(Exception):  # noqa: N818 - an answer
    """What the vendor would refuse."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(body))
        self.reply = Reply(status, body)


class Vendor(ABC):
    """A vendor: keeps what it took by its deduplication id, and counts what came twice."""

    path: str
    config: dict[str, Any]

    def __init__(self) -> None:
        self.url = self.host = ""
        self.accepted: dict[str, Any] = {}
        self.doubles: list[str] = []
        self.requests: list[Request] = []
        self.faults: list[Reply] = []
        self.lost_answers = 0

    def configured(self, **more: Any) -> dict[str, Any]:
        """Return the plugin's configuration for this vendor at this address."""
        name = type(self).__name__.lower()
        return {"provider": name, "api_key": KEY, name: {"host": self.url, **self.config}, **more}

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        if self.faults:
            return self.faults.pop(0)
        if request.path != self.path:
            return Reply(404, {"error": f"no such path: {request.path}"})
        try:
            reply = self.judge(request)
        except Refused as refusal:
            return refusal.reply
        if self.lost_answers:
            self.lost_answers -= 1
            return Reply(0)
        return reply

    def take(self, key: str, event: Any) -> None:
        """Keep an event, once."""
        if key in self.accepted:
            self.doubles.append(key)
        self.accepted[key] = event

    @abstractmethod
    def judge(self, request: Request) -> Reply:
        """Take what the vendor would take, and refuse what it would refuse."""


def need(condition: object, status: int, body: Any) -> None:
    """Refuse the request unless a condition holds."""
    if not condition:
        raise Refused(status, body)


@contextmanager
def serving(vendor: Vendor) -> Iterator[Vendor]:
    """Serve until the block ends."""
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            headers = {key.lower(): value for key, value in self.headers.items()}
            reply = vendor.answer(Request(parts.path, query, headers, body))
            stopped.wait(reply.waits)
            if not reply.status:
                self.close_connection = True
                return
            data = b"" if reply.body is None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    vendor.host = f"127.0.0.1:{server.server_port}"
    vendor.url = f"http://{vendor.host}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield vendor
    finally:
        stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
