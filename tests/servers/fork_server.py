"""A process that has loaded the example project and forks its web servers, workers and commands, as `--preload` does.

A message on a socket asks for one thing: to start a process, or to say whether one has ended. The answer is a message,
too. When the socket is closed, all that still runs is told to end.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import Any

import django
from django.db import connections
from django.urls import get_resolver

MESSAGE_BYTES = 1 << 20
LOADED = ("example_project.wsgi", "celery.bin.celery", "gunicorn.app.wsgiapp")


def load() -> None:
    """Import what the stack's processes import."""
    django.setup()
    for name in LOADED:
        import_module(name)
    _ = get_resolver().url_patterns
    connections.close_all()
    if threading.active_count() > 1:
        raise RuntimeError(f"Threads are lost in a fork, so nothing may start one: {threading.enumerate()}")
    gc.collect()
    gc.freeze()


def serve(door: socket.socket) -> list[str] | None:
    """Answer until nobody asks any more; return what to run in each child, and None in the end in this process."""
    children: dict[int, int | None] = {}
    while True:
        text, given, _, _ = socket.recv_fds(door, MESSAGE_BYTES, 3)
        if not text:
            return _end(children)
        asked = json.loads(text)
        if "words" not in asked:
            door.send(json.dumps(_status(children, asked["pid"])).encode())
            continue
        child = os.fork()
        if not child:
            door.close()
            _become(asked, given)
            return list(asked["words"])
        children[child] = None
        for descriptor in given:
            os.close(descriptor)
        door.send(json.dumps(child).encode())


def _status(children: dict[int, int | None], pid: int) -> int | None:
    """Return the exit code of a child, negative for a signal, None while it runs."""
    if children[pid] is None:
        found, status = os.waitpid(pid, os.WNOHANG)
        children[pid] = os.waitstatus_to_exitcode(status) if found else None
    return children[pid]


def _end(children: dict[int, int | None]) -> None:
    for pid in children:
        if _status(children, pid) is None:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGTERM)


def _become(asked: dict[str, Any], given: list[int]) -> None:
    """Be a process group, with an environment and with standard streams of its own."""
    os.setsid()
    for stream, descriptor in enumerate(given):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["env"])


def run(words: list[str]) -> None:
    """Run what Python runs with these arguments: `-m`, a module and its arguments, or a file and its arguments."""
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    load()
    to_run = serve(socket.socket(fileno=int(sys.argv[1])))
    if to_run is None:
        os._exit(0)  # what is done at the end of a process is for the children to do
    run(to_run)
