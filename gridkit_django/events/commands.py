"""Management commands and shells as actors: what they write bears their name."""

from __future__ import annotations

import functools
import getpass
import platform
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from gridkit_django.events.context import acting, held_act
from gridkit_django.events.payloads import Actor
from gridkit_django.events.types import EventSource

_SERVING = frozenset({"runserver", "runserver_plus", "testserver", "celery", "gunicorn", "daphne"})
"""Commands that answer requests or carry out tasks: what those do is not the command's."""

_SHELLS = frozenset({"shell", "shell_plus", "dbshell"})

_MARK = "_gridkit_names_actor"


def name_commands() -> None:
    """Let every management command act as ``system`` under its own name, unless somebody acts already.

    Django tells nobody when a command begins, so the one method that all of them pass through is wrapped, once.
    """
    execute = BaseCommand.execute
    if not hasattr(execute, _MARK):
        named = _named(execute)
        setattr(named, _MARK, True)
        BaseCommand.execute = named  # type: ignore[method-assign]


def _named(execute: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(execute)
    def run(self: BaseCommand, *args: Any, **options: Any) -> Any:
        name = type(self).__module__.rpartition(".")[2]
        if name in _SERVING or held_act() is not None:
            return execute(self, *args, **options)
        source = EventSource.SHELL if name in _SHELLS else EventSource.COMMAND
        with acting(Actor.system(name), source, metadata={"osUser": _os_user(), "host": platform.node()}):
            return execute(self, *args, **options)

    return run


def _os_user() -> str:
    """Return the account of the operating system; a container may run under a number without a name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
