"""The parts that run inside this process: nothing but Python is needed for them."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Event, Thread
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler, get_internal_wsgi_application

from example_project.runner.address import answers
from example_project.runner.parts import PartFailedError

START_SECONDS = 30
STOP_SECONDS = 15
NODE = "inside@demo"


class InsideWeb:
    """Django's own threaded web server. Enough for a demo; a site uses a real one (see `beside.py`).

    Args:
        host: the address to listen on.
        port: the TCP port.
    """

    name = "The web server"

    def __init__(self, host: str, port: int) -> None:
        self._place = (host, port)
        self._server: ThreadedWSGIServer | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Listen and serve.

        Raises:
            PartFailedError: when the address can't be used.
        """
        application = get_internal_wsgi_application()
        try:
            self._server = ThreadedWSGIServer(self._place, WSGIRequestHandler, ipv6=":" in self._place[0])
        except OSError as error:
            raise PartFailedError(
                f"Can't listen on {self._place[0]} port {self._place[1]}: {error.strerror}."
            ) from error
        self._server.set_app(application)
        self._thread = Thread(target=self._server.serve_forever, name="web", daemon=True)
        self._thread.start()

    def wait_ready(self) -> None:
        """Wait for a first answer: it is slow, because all that pages need is loaded for it.

        Raises:
            PartFailedError: when none came in time.
        """
        if not answers(*self._place, START_SECONDS):
            raise PartFailedError(f"The web server did not answer within {START_SECONDS} s.")

    def alive(self) -> bool:
        """Whether it still serves."""
        return self._thread is not None and self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """Serve no more."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()

    def stop(self) -> None:
        """Serve no more and free the address."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(STOP_SECONDS)


class InsideWorker:
    """A real Celery worker on a thread pool, fed through the in-memory transport of this process.

    Args:
        app: the Celery application.
        concurrency: how many tasks run at a time.
    """

    name = "The worker"

    def __init__(self, app: Celery, *, concurrency: int = 2) -> None:
        self._app = app
        self._concurrency = concurrency
        self._ready = Event()
        self._asked = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to start."""
        self._app.set_default()
        worker = self._app.WorkController(
            app=self._app,
            hostname=NODE,
            pool="threads",
            concurrency=self._concurrency,
            loglevel=logging.WARNING,
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
            ready_callback=self._note_ready,
        )
        self._thread = Thread(target=worker.start, name="worker", daemon=True)
        self._thread.start()

    def wait_ready(self) -> None:
        """Wait until tasks are taken.

        Raises:
            PartFailedError: when it is not ready in time.
        """
        if not self._ready.wait(START_SECONDS):
            raise PartFailedError(f"The Celery worker was not ready after {START_SECONDS} s.")

    def _note_ready(self, _consumer: Any) -> None:
        self._ready.set()

    def alive(self) -> bool:
        """Whether it still takes tasks."""
        return self._thread is not None and self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """Take no more tasks and let the running ones end (Celery's warm shutdown)."""
        if self.alive() and not self._asked:
            self._asked = True
            self._app.control.shutdown(destination=[NODE])

    def stop(self) -> None:
        """Take no more tasks and wait for the running ones, for a while."""
        if self._thread is not None:
            self.ask_to_stop()
            self._thread.join(STOP_SECONDS)


class InsideClock:
    """Celery beat on a thread: sends the tasks of ``CELERY_BEAT_SCHEDULE`` when they are due.

    Args:
        app: the Celery application.
        memory: the file in which it remembers what it sent.
    """

    name = "The clock"

    def __init__(self, app: Celery, memory: Path) -> None:
        self._thread: Any = EmbeddedService(app, thread=True, schedule_filename=str(memory))

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def wait_ready(self) -> None:
        """Return at once: nobody waits for it."""

    def alive(self) -> bool:
        """Whether it still runs."""
        return bool(self._thread.is_alive())

    def ask_to_stop(self) -> None:
        """Leave it to ``stop``, which takes a second at most."""

    def stop(self) -> None:
        """Send no more."""
        if self._thread.is_alive():
            self._thread.stop()
            self._thread.join(STOP_SECONDS)
