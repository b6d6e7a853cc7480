"""A gate: a plugin that stops at a named place until the test lets it go on, so that a process can be killed there."""

from __future__ import annotations

import contextlib
import queue
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.servers.processes import PATIENCE
from tests.servers.stack import Stack

MANIFEST = """
id = "{id}"
name = "{id}"
version = "{version}"
author = "Route"
description = "Stops where a test wants it to."
category = "utility"
license = "MIT"
core_version = ">=0.1"
required_permissions = ["methods:register", "events:subscribe"]
entry = "plugin:Entry"
"""

_GATE = '''
import os
import socket


def gate(place):
    """Say where we are, and wait for an answer; go on where nobody stands at the gate."""
    with socket.socket(socket.AF_UNIX) as door:
        try:
            door.connect(os.environ["GATE"])
        except OSError:
            return
        door.sendall(f"{place} {os.environ['GATE_NAME']} {os.getpid()}\\n".encode())
        door.recv(2)
'''

GATED = """
from pydantic import BaseModel

from gridkit_django.plugins import Plugin

from .gate import gate

VERSION = "{version}"


class Entry(Plugin):
    class Config(BaseModel):
        word: str = "one"

    def initialize(self, context):
        gate("initialize")
        schema = {{"type": "object", "additionalProperties": False}}
        context.register_method("tell", self.tell, schema=schema, label="Tell")

    def tell(self, call):
        return {{"word": self.context.config.word, "version": VERSION}}
"""
"""The plugin that is changed; it stops in `initialize`, after the commit of the change."""

WARDEN = """
from gridkit_django.plugins import Plugin, handles

from .gate import gate


class Entry(Plugin):
    @handles("plugin:*")
    def watch(self, event):
        if event.payload["pluginId"] == "gated":
            gate(event.type)
"""
"""A plugin beside it, which stops at the event of the change, inside the transaction of the change."""


def write_gated(stack: Stack, version: str) -> None:
    """Write the plugin that is changed into the site's folder."""
    _write(stack, "gated", GATED.format(version=version), version)


def write_warden(stack: Stack) -> None:
    """Write the plugin beside it into the site's folder."""
    _write(stack, "warden", WARDEN, "1.0.0")


def _write(stack: Stack, name: str, code: str, version: str) -> None:
    folder = stack.folder / "plugins" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.toml").write_text(MANIFEST.format(id=name, version=version))
    (folder / "gate.py").write_text(_GATE)
    (folder / "plugin.py").write_text(code)


class Gate:
    """Stands at a Unix socket. Who comes to the place that is held waits; all others go on.

    Args:
        path: the socket.
    """

    def __init__(self, path: Path) -> None:
        self._held: tuple[str, str] | None = None
        self._arrived: queue.Queue[int] = queue.Queue()
        gate = self

        class Door(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                place, name, pid = self.rfile.readline().decode().split()
                if (place, name) == gate._held:
                    gate._arrived.put(int(pid))
                    self.rfile.read()  # until whoever waits here is gone
                else:
                    with contextlib.suppress(OSError):
                        self.wfile.write(b"go")

        self.server = socketserver.ThreadingUnixStreamServer(str(path), Door)
        self.server.daemon_threads = True

    def hold(self, place: str, name: str) -> None:
        """Let the processes of a name wait at a place."""
        self._held = (place, name)

    def open(self) -> None:
        """Let all that come later go on."""
        self._held = None

    def arrived(self) -> int:
        """Wait until a process waits, and return its id."""
        return self._arrived.get(timeout=PATIENCE)


@contextlib.contextmanager
def standing_gate(stack: Stack) -> Iterator[Gate]:
    """Give a gate that the stack's processes find."""
    path = stack.folder / "gate"
    gate = Gate(path)
    stack.env["GATE"], stack.env["GATE_NAME"] = str(path), "none"
    thread = threading.Thread(target=gate.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gate
    finally:
        gate.server.shutdown()
        gate.server.server_close()
        thread.join(10)
        path.unlink()
