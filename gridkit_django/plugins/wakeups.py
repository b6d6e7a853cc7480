"""The receivers that wake the runtime up, and let it go: begin and end of requests, of tasks and of processes."""

from __future__ import annotations

import logging
from typing import Any

from django.core import mail
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.db import models

from gridkit_django.audit.policies import is_trail
from gridkit_django.events import EventSource, current_act
from gridkit_django.grids import grid_registry
from gridkit_django.plugins.manager import PluginManager
from gridkit_django.plugins.stats import describe

logger = logging.getLogger("gridkit_django.plugins")


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
        self._serving = 0
        self._behind_grids: tuple[int, frozenset[Any]] = (-1, frozenset())

    def request_began(self, sender: Any = None, **_kwargs: Any) -> None:
        """A request begins."""
        self._serving += 1
        self._runtime.mark_unchecked("web")
        if isinstance(sender, type) and issubclass(sender, (WSGIHandler, ASGIHandler)):
            self._start_idle_thread()

    def task_began(self, task: Any = None, **_kwargs: Any) -> None:
        """A task begins."""
        self._serving += 1
        self._runtime.mark_unchecked("celery")
        if task is not None and not task.request.is_eager:
            self._start_idle_thread()

    def ended(self, **_kwargs: Any) -> None:
        """A request or a task has ended: its transactions are over, so what is due can be written."""
        self._serving = max(0, self._serving - 1)
        self._runtime.settle()

    def row_written(self, model: type[models.Model]) -> None:
        """A row is about to be written: plugins that let the trail follow the model behind a grid must be at work.

        So they start also in a shell, a command and a script, where nothing else would use them. Tests write rows all
        the time without meaning any plugin, so there only requests, tasks and commands count.

        Args:
            model: the concrete model of the row.
        """
        if not self._runtime.is_unchecked or (_is_test_run() and not self._serving and not _is_command()):
            return
        if model in self._models():
            self._runtime.ensure_current()

    def _models(self) -> frozenset[Any]:
        """Return the models behind grids, but those of the trail itself."""
        registry = grid_registry()
        revision, models_ = self._behind_grids
        if revision != registry.revision:
            found = (grid.options.model for grid in registry.all())
            models_ = frozenset(model._meta.concrete_model for model in found if not is_trail(model))
            self._behind_grids = (registry.revision, models_)
        return models_

    def worker_forked(self, **_kwargs: Any) -> None:
        """A Celery worker process was born."""
        self._manager.after_fork()
        self._runtime.mark_unchecked("celery")

    def process_ends(self, **_kwargs: Any) -> None:
        """This process ends in order: its row goes at once, so that nobody counts on it. Never raises.

        Only a process that serves has an idle thread; the rows of all others are dropped when they were long silent.
        """
        if not self._runtime.idle.is_running:
            return
        try:
            self._runtime.process.leave()
        except Exception as error:  # noqa: BLE001 - others drop the row later; nothing may keep a process from its end
            logger.info("This process could not say that it ends: %s", describe(error))

    def _start_idle_thread(self) -> None:
        if not self._runtime.idle.is_running and not _is_test_run():
            self._runtime.idle.start()


def _is_command() -> bool:
    return current_act().source in (EventSource.COMMAND, EventSource.SHELL)


def _is_test_run() -> bool:
    """Whether Django's test environment was set up: it is what makes the outbox (see Django's testing tools)."""
    return hasattr(mail, "outbox")
