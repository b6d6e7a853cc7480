"""The receivers that wake the runtime up: the begin and the end of requests and tasks, and the birth of a worker."""

from __future__ import annotations

from typing import Any

from django.core import mail
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

from gridkit_django.plugins.manager import PluginManager


class Wakeups:
    """Receivers for Django's and Celery's signals. The beginnings only mark; the first use looks at the database.

    They also start the idle thread, in processes that really serve: not for the requests of a test client, nor for
    tasks that are called like functions.

    Args:
        manager: this process's plugin manager.
    """

    def __init__(self, manager: PluginManager) -> None:
        self._manager = manager
        self._runtime = manager.runtime

    def request_began(self, sender: Any = None, **_kwargs: Any) -> None:
        """A request begins."""
        self._runtime.mark_unchecked("web")
        if isinstance(sender, type) and issubclass(sender, (WSGIHandler, ASGIHandler)):
            self._start_idle_thread()

    def task_began(self, task: Any = None, **_kwargs: Any) -> None:
        """A task begins."""
        self._runtime.mark_unchecked("celery")
        if task is not None and not task.request.is_eager:
            self._start_idle_thread()

    def ended(self, **_kwargs: Any) -> None:
        """A request or a task has ended: its transactions are over, so what is due can be written."""
        self._runtime.settle()

    def worker_forked(self, **_kwargs: Any) -> None:
        """A Celery worker process was born."""
        self._manager.after_fork()
        self._runtime.mark_unchecked("celery")

    def _start_idle_thread(self) -> None:
        if not self._runtime.idle.is_running and not _is_test_run():
            self._runtime.idle.start()


def _is_test_run() -> bool:
    """Whether Django's test environment was set up: it is what makes the outbox (see Django's testing tools)."""
    return hasattr(mail, "outbox")
