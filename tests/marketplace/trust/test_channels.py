"""How files come: over HTTP from servers that are well, slow, or lie, and out of a bundle."""

from __future__ import annotations

import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NameResolutionError, ProtocolError, ProxyError, ReadTimeoutError, SSLError

from gridkit_django.exceptions import (
    TrustBundleError,
    TrustError,
    TrustTargetError,
    TrustTimeoutError,
    TrustUnreachableError,
)
from gridkit_django.marketplace.trust.channels import BundleChannel, HttpChannel, HttpPlace, RecordingChannel
from gridkit_django.marketplace.trust.fetching import TrustedFetcher
from gridkit_django.marketplace.trust.memory import ProcessMemory
from tests.marketplace.trust.markets import CONTENT, WHEEL, Market


class Handler(BaseHTTPRequestHandler):
    """Serves the marketplace of its server under ``/market/``; remembers what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        server = self.server
        assert isinstance(server, MarketServer)
        path = urlsplit(self.path).path.removeprefix("/market/")
        server.asked.append((self.path, dict(self.headers)))
        if path == "drip":
            return self._drip(server)
        if path == "moved":
            return self._answer(302, b"", Location="/market/tuf/timestamp.json")
        found = server.market.wheels.get(path) or server.market.store.read(path.removeprefix("tuf/"))
        status = {"broken": 500, "secret": 403, "login": 401}.get(path, 200 if found else 404)
        return self._answer(status, found or b"")

    def _answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _drip(self, server: MarketServer) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        while not server.over.wait(0.02):
            try:
                self.wfile.write(b".")
            except OSError:
                return

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


class MarketServer(ThreadingHTTPServer):
    """An HTTP server in this process."""

    daemon_threads = True

    def __init__(self, market: Market) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.market = market
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/market/"


@pytest.fixture
def server(market: Market) -> Iterator[MarketServer]:
    """A marketplace over HTTP."""
    with MarketServer(market) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.over.set()
        found.shutdown()
        thread.join()


@pytest.fixture
def channel(server: MarketServer) -> Iterator[HttpChannel]:
    """A channel to it."""
    found = HttpChannel(HttpPlace(server.url, token="gkp_reader", timeout=30))
    yield found
    found.close()


def whole(channel: HttpChannel | BundleChannel, path: str, most: int = 10_000) -> bytes:
    """Read a file."""
    return b"".join(channel.read(path, most))


def test_file_is_fetched_over_http(channel: HttpChannel, server: MarketServer) -> None:
    with TrustedFetcher(channel, ProcessMemory(), server.market.root) as trusted:
        assert trusted.fetch(WHEEL) == CONTENT
    path, headers = server.asked[0]
    assert path == "/market/tuf/2.root.json"
    assert headers["Authorization"] == "Bearer gkp_reader"
    assert channel.server_time is not None


def test_reading_ends_soon_after_the_most(channel: HttpChannel, server: MarketServer) -> None:
    server.market.store.files["large.json"] = bytes(3_000_000)

    assert 1000 < len(whole(channel, "tuf/large.json", 1000)) < 200_000


@pytest.mark.parametrize(
    ("path", "code"),
    [("broken", "trust-status"), ("moved", "trust-redirected"), ("secret", "trust-denied"), ("login", "trust-denied")],
)
def test_answer_that_is_no_file_has_a_code_of_its_own(channel: HttpChannel, path: str, code: str) -> None:
    with pytest.raises(TrustError, match="answered with status") as caught:
        whole(channel, path)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SSLError("bad certificate"), "trust-certificate"),
        (ProxyError("no way", SSLError("bad certificate")), "trust-certificate"),
        (ReadTimeoutError(HTTPConnectionPool("x"), "/", "silent"), "trust-timeout"),
        (TimeoutError(), "trust-timeout"),
        (ProtocolError("broken"), "trust-cut"),
        (ConnectionResetError(), "trust-cut"),
        (NameResolutionError("x", HTTPConnection("x"), socket.gaierror()), "trust-unreachable"),
    ],
)
def test_fault_on_the_way_has_a_code_of_its_own(
    channel: HttpChannel, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(PoolManager, "request", fail)
    with pytest.raises(TrustUnreachableError, match="did not come") as caught:
        whole(channel, "tuf/timestamp.json")

    assert caught.value.code == code


def test_file_that_is_not_there_is_told(channel: HttpChannel) -> None:
    with pytest.raises(TrustTargetError, match="not there"):
        whole(channel, "tuf/none.json")


def test_server_that_drips_is_given_up(server: MarketServer) -> None:
    slow = HttpChannel(HttpPlace(server.url, timeout=30, deadline=0.2))

    began = time.monotonic()
    with pytest.raises(TrustTimeoutError, match="took over"):
        whole(slow, "drip")
    slow.close()
    assert time.monotonic() - began < 15, "it was not read to its end, which takes 20 s"


def test_address_where_nobody_answers_is_unreachable() -> None:
    channel = HttpChannel(HttpPlace("http://127.0.0.1:9/", timeout=5))

    with pytest.raises(TrustUnreachableError, match="did not come"):
        whole(channel, "tuf/timestamp.json")


def test_proxy_is_asked_instead_of_the_server(server: MarketServer) -> None:
    channel = HttpChannel(HttpPlace("http://market.invalid/market", proxy=server.url, timeout=30))

    assert whole(channel, "tuf/timestamp.json") == server.market.store.files["timestamp.json"]
    channel.close()
    assert server.asked[0][0] == "http://market.invalid/market/tuf/timestamp.json"


def test_authority_that_is_not_ours_is_not_believed(tmp_path: Path) -> None:
    broken = HttpChannel(HttpPlace("https://127.0.0.1:9/", ca_file=str(tmp_path / "none.pem"), timeout=5))

    with pytest.raises(TrustUnreachableError):
        whole(broken, "tuf/timestamp.json")


def test_bundle_brings_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tuf/timestamp.json", b"{}" * 100_000)

    channel = BundleChannel(path)
    assert whole(channel, "tuf/timestamp.json", 200_000) == b"{}" * 100_000
    assert len(whole(channel, "tuf/timestamp.json", 10)) == 11
    with pytest.raises(TrustTargetError, match="does not hold"):
        whole(channel, "tuf/none.json")


def test_broken_bundle_is_told(tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(b"no zip")

    with pytest.raises(TrustBundleError, match="Make it anew"):
        whole(BundleChannel(tmp_path / "bundle.zip"), "tuf/timestamp.json")


def test_recorder_keeps_what_came_under_the_name_that_was_asked_for(channel: HttpChannel, server: MarketServer) -> None:
    recorder = RecordingChannel(channel, lambda path: path.replace("tuf/", "tuf/offline."))

    assert b"".join(recorder.read("tuf/timestamp.json", 10_000)) == server.market.store.files["offline.timestamp.json"]
    assert list(recorder.files) == ["tuf/timestamp.json"]
    assert recorder.server_time == channel.server_time
