"""The receivers that wake the runtime up: the begin and the end of requests and tasks, and the birth of a worker."""

from __future__ import annotations

from typing import Any

from gridkit_django.plugins.manager import PluginManager


class Wakeups:
    """Receivers for Django's and Celery's signals. The beginnings only mark; the first use looks at the database.

    Args:
        manager: this process's plugin manager.
    """

    def __init__(self, manager: PluginManager) -> None:
        self._manager = manager
        self._runtime = manager.runtime

    def request_began(self, **_kwargs: Any) -> None:
        """A request begins."""
        self._runtime.mark_unchecked("web")

    def task_began(self, **_kwargs: Any) -> None:
        """A task begins."""
        self._runtime.mark_unchecked("celery")

    def ended(self, **_kwargs: Any) -> None:
        """A request or a task has ended: its transactions are over, so what is due can be written."""
        self._runtime.housekeeping()

    def worker_forked(self, **_kwargs: Any) -> None:
        """A Celery worker process was born."""
        self._manager.after_fork()
        self._runtime.mark_unchecked("celery")
