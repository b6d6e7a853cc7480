"""Somebody else's server, on this machine: it keeps what comes and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        status: its status; 0 to cut the connection without a word.
        body: its body.
        headers: what goes with it.
        drip: seconds before each byte of the body.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0


@dataclass
class Vendor:
    """What came, and what the next requests are answered.

    Attributes:
        url: where the server is.
        host: the same without a scheme.
        requests: path, headers and body of each request that came, in their order.
        replies: the answers to come; 200 when there is none left.
        judge: answers by the request's body, in place of ``replies``.
    """

    url: str = ""
    host: str = ""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    judge: Callable[[Any], Reply] | None = None

    def bodies(self) -> list[Any]:
        """Return the body of each request, read as JSON."""
        return [json.loads(body) for _, _, body in self.requests]

    def reply_to(self, body: bytes) -> Reply:
        """Return the answer to a request."""
        if self.judge is not None:
            return self.judge(json.loads(body))
        return self.replies.pop(0) if self.replies else Reply()


@contextmanager
def vendor_server() -> Iterator[Vendor]:
    """Serve until the block ends."""
    vendor = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            vendor.requests.append((self.path, dict(self.headers), body))
            reply = vendor.reply_to(body)
            if not reply.status:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self._write(reply)

        def _write(self, reply: Reply) -> None:
            if not reply.drip:
                self.wfile.write(reply.body)
                return
            for index in range(len(reply.body)):
                time.sleep(reply.drip)
                try:
                    self.wfile.write(reply.body[index : index + 1])
                except OSError:
                    return

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
        server.shutdown()
        thread.join()
        server.server_close()
