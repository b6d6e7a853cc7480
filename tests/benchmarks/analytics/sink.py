"""A server that takes everything, in a process of its own: `python -m tests.benchmarks.analytics.sink`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from tests.servers.processes import ROOT


class _Handler(BaseHTTPRequestHandler):
    """Reads a body and says yes."""

    def do_POST(self) -> None:
        """Take it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def sink() -> Iterator[str]:
    """Run the server and return its address."""
    command = [sys.executable, "-m", "tests.benchmarks.analytics.sink"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            if server.stdout is None:
                raise RuntimeError("The server has no output.")
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/in"
        finally:
            server.kill()


if __name__ == "__main__":
    serving = HTTPServer(("127.0.0.1", 0), _Handler)
    sys.stdout.write(f"{serving.server_port}\n")
    sys.stdout.flush()
    serving.serve_forever()
