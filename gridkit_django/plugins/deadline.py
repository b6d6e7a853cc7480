"""Calling plugin code with a deadline. A thread can't be stopped: a call that hangs is left behind, one per plugin."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any

from django.db import connections


class DeadlineError(Exception):
    """The call did not come back in time, or an earlier one still hangs."""


class DeadlineCaller:
    """Runs calls in threads of their own, so that the caller can go on when they hang."""

    def __init__(self) -> None:
        self._hanging: dict[str, threading.Thread] = {}

    def call(self, key: str, function: Callable[[], Any], seconds: float) -> Any:
        """Call ``function`` and return what it returns.

        Args:
            key: whose call it is; while one of its calls hangs, no other is started.
            function: what is called; it gets the context variables of the caller, and its own database connections.
            seconds: how long to wait.

        Raises:
            DeadlineError: when it took longer, or an earlier call still hangs.
            BaseException: what ``function`` raised.
        """
        earlier = self._hanging.get(key)
        if earlier is not None and earlier.is_alive():
            raise DeadlineError("An earlier call still hangs.")
        outcome: list[tuple[Any, BaseException | None]] = []
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(_run, function, outcome), name=f"gridkit {key}", daemon=True
        )
        thread.start()
        thread.join(seconds)
        if not outcome:
            self._hanging[key] = thread
            raise DeadlineError(f"It did not answer within {seconds:g} s.")
        self._hanging.pop(key, None)
        result, error = outcome[0]
        if error is not None:
            raise error
        return result


def _run(function: Callable[[], Any], outcome: list[tuple[Any, BaseException | None]]) -> None:
    result, raised = None, None
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
        raised = error
    finally:
        connections.close_all()
    outcome.append((result, raised))
