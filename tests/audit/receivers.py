"""Destinations on this machine that take what is sent to them: an HTTP server, a syslog server, functions."""

from __future__ import annotations

import gzip
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Inbox:
    """What came, and what the next requests are answered.

    Attributes:
        url: where the server is, without a scheme: ``127.0.0.1:port``.
        bodies: each body that came, as it travelled.
        headers: the headers that came with it.
        answers: status of each answer to come; 200 when there is none left.
        says: the body of each answer.
    """

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    says: bytes = b"told"

    def lines(self) -> list[bytes]:
        """Return the lines of all bodies that were taken."""
        return [line for body in self.bodies for line in gzip.decompress(body).splitlines()]


@contextmanager
def web_server() -> Iterator[Inbox]:
    """A web server that takes POSTs; a status of 302 leads to another of its pages."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = inbox.answers.pop(0) if inbox.answers else 200
            inbox.headers.append({"path": self.path, **dict(self.headers)})
            if status == 200:
                inbox.bodies.append(body)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(inbox.says)))
            self.end_headers()
            self.wfile.write(inbox.says)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inbox.url = f"127.0.0.1:{server.server_port}"
    with _serving(server):
        yield inbox


@contextmanager
def syslog_server(context: ssl.SSLContext | None = None, *, dies: bool = False) -> Iterator[Inbox]:
    """A syslog server over TCP that keeps each counted message of RFC 6587 as a body.

    Args:
        context: what it speaks TLS with, if it does.
        dies: reset the connection when something has come.
    """
    inbox = Inbox()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with context.wrap_socket(self.request, server_side=True) if context else self.request as link:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", dies, 0))
                self.keep(link.recv(1) if dies else b"".join(iter(lambda: link.recv(65536), b"")))

        def keep(self, data: bytes) -> None:
            if dies:
                return
            while data:
                count, _, rest = data.partition(b" ")
                inbox.bodies.append(rest[: int(count)])
                data = rest[int(count) :]

    server = socketserver.TCPServer(("127.0.0.1", 0), Handler)
    inbox.url = f"127.0.0.1:{server.server_address[1]}"
    with _serving(server):
        yield inbox


@contextmanager
def datagram_server() -> Iterator[Inbox]:
    """A syslog server over UDP."""
    inbox = Inbox()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            inbox.bodies.append(self.request[0])

    server = socketserver.UDPServer(("127.0.0.1", 0), Handler)
    inbox.url = f"127.0.0.1:{server.server_address[1]}"
    with _serving(server):
        yield inbox


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Collector:
    """A function of a project that takes records, or raises what it was told to."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.raises: list[BaseException] = []

    def __call__(self, records: list[Any]) -> None:
        """Take a batch."""
        if self.raises:
            raise self.raises.pop(0)
        self.taken += records


collect = Collector()
not_callable = 7
