"""A process that has loaded the example project and forks its web servers, workers and commands, as `--preload` does.

A message on a socket asks for one thing: to start a process, or to say whether one has ended. The answer is a message,
too. When the socket is closed, all that still runs is told to end.

A process has the settings of its own environment: they are read after the fork, and whoever has kept one of those with
which the project was loaded hears of it as in Django's own tests.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from importlib import import_module
from typing import Any

import django
import django.test.signals  # what Django itself keeps of settings hears of a change
from asgiref.local import Local
from django.conf import settings
from django.core.signals import setting_changed
from django.db import connections
from django.urls import get_resolver
from django.utils.functional import empty
from django.utils.log import configure_logging

from tests.servers.forking import MESSAGE_BYTES

LOADED = (
    "example_project.wsgi",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.concurrency.thread",
    "celery.contrib.django.task",
    "celery.events",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "django.core.cache.backends.redis",
    "django.core.management.commands.migrate",
    "django.template.backends.django",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "jsonschema",
    "kombu.transport.redis",
)
"""What each web process or worker imports by its first request or task, none of it the project's."""

READ_ANEW = ("example_project.settings", "example_project.wsgi")
"""Modules that hold what they have read of the environment and the settings."""


def load() -> None:
    """Import what the stack's processes import."""
    django.setup()
    for name in LOADED:
        import_module(name)
    _ = get_resolver().url_patterns
    if threading.active_count() > 1:
        raise RuntimeError(f"Threads are lost in a fork, so nothing may start one: {threading.enumerate()}")
    if opened := [made for made in connections.all(initialized_only=True) if made.connection is not None]:
        raise RuntimeError(f"Processes would share a connection, so nothing may open one: {opened}")
    gc.collect()
    gc.freeze()


def serve(door: socket.socket) -> list[str] | None:
    """Answer until nobody asks any more; return what to run in each child, and None in the end in this process."""
    children: dict[int, int | None] = {}
    while True:
        text, given, _, _ = socket.recv_fds(door, MESSAGE_BYTES, 3)
        if not text:
            _end(children)
            return None
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


def settle() -> None:
    """Have the settings of this process's environment, instead of those with which the project was loaded."""
    tempfile.tempdir = None
    for name in (*READ_ANEW, os.environ["DJANGO_SETTINGS_MODULE"]):
        sys.modules.pop(name, None)
    before = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
    settings._wrapped = empty
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    connections._settings = connections.settings = connections.configure_settings(None)
    connections._connections = Local(connections.thread_critical)
    for name in dir(settings):
        if name.isupper() and name != "DATABASES" and getattr(settings, name) != before.get(name, empty):
            setting_changed.send(sender=None, setting=name, value=getattr(settings, name), enter=True)


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
    settle()
    run(to_run)
