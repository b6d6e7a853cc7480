from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from example_project.runner import beside
from example_project.runner.beside import Beside, beside_web
from example_project.runner.parts import PartFailedError
from tests.servers.processes import free_port

STUBBORN = """
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path("up").touch()
time.sleep(60)
"""


def child(code: str, folder: Path) -> Beside:
    return Beside("The child", [sys.executable, "-c", code], (folder / "up").exists, folder)


def start(part: Beside) -> None:
    part.start()
    part.wait_ready()


def test_child_that_becomes_ready_runs_until_it_is_stopped(tmp_path: Path):
    part = child("import pathlib, time; pathlib.Path('up').touch(); time.sleep(60)", tmp_path)

    start(part)
    assert part.alive()
    part.stop()

    assert not part.alive()
    part.stop()


def test_child_that_ends_while_it_starts_is_reported(tmp_path: Path):
    with pytest.raises(PartFailedError, match="The child ended while it started"):
        start(child("raise SystemExit(3)", tmp_path))


def test_child_that_is_never_ready_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(beside, "START_SECONDS", 0)
    part = child("import time; time.sleep(60)", tmp_path)

    with pytest.raises(PartFailedError, match="The child was not ready after 0 s"):
        start(part)

    part.stop()
    assert not part.alive()


def test_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(beside, "STOP_SECONDS", 0.1)
    part = child(STUBBORN, tmp_path)
    start(part)

    part.stop()

    assert not part.alive()


def test_child_that_never_started_stops_quietly(tmp_path: Path):
    child("", tmp_path).stop()


def test_web_is_ready_when_it_answers(tmp_path: Path):
    port = free_port()
    part = beside_web("127.0.0.1", port, tmp_path)

    assert not part._ready()
    with HTTPServer(("127.0.0.1", port), BaseHTTPRequestHandler) as server:
        Thread(target=server.handle_request, daemon=True).start()
        assert part._ready(), "whatever it says: here that it knows no GET"


def test_web_on_ipv6_is_bound_in_brackets(tmp_path: Path):
    assert "[::1]:8123" in beside_web("::1", 8123, tmp_path)._command
