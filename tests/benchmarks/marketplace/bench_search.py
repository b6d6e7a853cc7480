"""Searching among 100,000 plugins through the HTTP API, with one client and with eight, beside the naive design.

Answers are not kept (a dummy cache), so every question reaches the database. ``GRIDKIT_BENCH_LISTINGS=10000`` makes a
quicker run.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlencode

from tests.benchmarks.database import server_version
from tests.benchmarks.marketplace.goods import LISTINGS, make_listings, questions
from tests.servers.processes import ServerProcess, scratch_folder

QUESTIONS = 400
WARM = 40
CLIENTS = 8
TURN = 50
ADDRESSES = {"GridKit": "/market/api/v1/plugins/", "naive": "/naive/"}


def run() -> Iterator[str]:
    """Fill the shelf, start the site, and ask."""
    make_listings()
    asked = [urlencode(item) for item in questions(QUESTIONS + WARM, seed=3)]
    with _site() as port:
        for address in ADDRESSES.values():
            _ask(port, address, asked[:WARM])
        yield _table(f"Search among {LISTINGS:,} plugins, one client", _in_turns(port, asked[WARM:]))
        yield _table(f"Search among {LISTINGS:,} plugins, {CLIENTS} clients", _all_at_once(port, asked[WARM:]))


def _in_turns(port: int, asked: Sequence[str]) -> dict[str, list[float]]:
    """Ask of both designs in turns of fifty questions.

    A question to the naive design reads so much that it pushes the other's pages out of the caches, and no site serves
    two designs; in turns of fifty both still meet the same machine, and each its own caches.
    """
    found: dict[str, list[float]] = {name: [] for name in ADDRESSES}
    for start in range(0, len(asked), TURN):
        for name, address in ADDRESSES.items():
            found[name] += _ask(port, address, asked[start : start + TURN])
    return found


def _all_at_once(port: int, asked: Sequence[str]) -> dict[str, list[float]]:
    """Let eight clients ask at once, quarter by quarter of the questions in turns of the designs."""
    found: dict[str, list[float]] = {name: [] for name in ADDRESSES}
    size = len(asked) // 4
    with ThreadPoolExecutor(CLIENTS) as pool:
        for start in range(0, len(asked), size):
            part = asked[start : start + size]
            shares = [part[client::CLIENTS] for client in range(CLIENTS)]
            for name, address in ADDRESSES.items():
                for times in pool.map(lambda share, to=address: _ask(port, to, share), shares):  # type: ignore[misc]
                    found[name] += times
    return found


def _ask(port: int, address: str, asked: Sequence[str]) -> list[float]:
    connection = HTTPConnection("127.0.0.1", port)
    return [_once(connection, f"{address}?{question}") for question in asked]


def _once(connection: HTTPConnection, address: str) -> float:
    began = time.perf_counter()
    connection.request("GET", address)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{address} answered {answer.status}: {body[:300]!r}")
    return time.perf_counter() - began


@contextlib.contextmanager
def _site() -> Iterator[int]:
    """Start the site with two processes of four threads, and return its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.benchmarks.marketplace.market_site"}
    command = [
        *(sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()", "--bind", f"127.0.0.1:{port}"),
        *("--workers", "2", "--threads", "4", "--keep-alive", "60", "--log-level", "warning"),
    ]
    with scratch_folder("market") as folder:
        server = ServerProcess("market", command, folder / "log", env=env)
        try:
            _wait(port, server)
            yield port
        finally:
            server.stop()


def _wait(port: int, server: ServerProcess) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"The site does not answer; its log is {server.log.read_text()[-2000:]}")


def _table(title: str, found: dict[str, list[float]]) -> str:
    lines = [f"{'':<10}{'p50':>9}{'p95':>9}{'p99':>9}   ms"]
    for name, times in found.items():
        cuts = statistics.quantiles(times, n=100)
        lines.append(f"{name:<10}" + "".join(f"{cuts[at] * 1000:>9.1f}" for at in (49, 94, 98)))
    ratio = statistics.quantiles(found["GridKit"], n=100)[94] / statistics.quantiles(found["naive"], n=100)[94]
    conditions = f"  {QUESTIONS} questions; {server_version()}; no kept answers; p95 of GridKit / naive: {ratio:.3f}"
    return "\n".join([title, "-" * len(title), *lines, conditions])
