"""Observers of calls into plugins: for traces and the like, told of each call when it has ended."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

logger = logging.getLogger("gridkit_django.plugins")


class CallObserver(Protocol):
    """Is told of calls, in the thread that made them. While there is one, no call takes the quick path."""

    def called(self, plugin_id: str, name: str, wall_ns: int, cpu_ns: int, error: BaseException | None) -> None:
        """A call has ended.

        Args:
            plugin_id: the plugin that was called.
            name: what was called in it, as its accounting names it.
            wall_ns: wall time in nanoseconds, without that of other plugins which it called.
            cpu_ns: processor time in nanoseconds, likewise.
            error: what it raised, if that was no proper answer.
        """
        ...


def tell_observers(
    observers: Iterable[CallObserver], plugin_id: str, name: str, wall_ns: int, cpu_ns: int, error: BaseException | None
) -> None:
    """Tell each observer of a call; one that raises is logged and spoils nothing."""
    for observer in observers:
        try:
            observer.called(plugin_id, name, wall_ns, cpu_ns, error)
        except Exception:  # whoever watches must not change what is watched
            logger.exception("An observer failed on a call of %s", plugin_id)
