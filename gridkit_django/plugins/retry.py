"""Trying again: which failures may pass by themselves, and when a plugin that failed is due."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db import InterfaceError, OperationalError

from gridkit_django.exceptions import PluginError, PluginIncompatibleError, PluginNotReadyError, PluginSecretError

LONGEST_SECONDS = 600.0
_PASSING = (PluginNotReadyError, OperationalError, InterfaceError, ConnectionError, TimeoutError)


def may_pass(error: BaseException) -> bool:
    """Whether what was raised while a plugin started says that something outside is not there yet."""
    return isinstance(error, _PASSING)


def is_passing(error: PluginError) -> bool:
    """Whether the plugin is tried again by itself: what it needs may come, or the key of its secrets come back."""
    return isinstance(error, PluginNotReadyError | PluginSecretError)


def retry_seconds(attempts: int) -> float:
    """Return how many seconds to wait after so many failures in a row: 1, 2, 4 … up to ten minutes."""
    return min(2.0 ** min(attempts - 1, 10), LONGEST_SECONDS)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a plugin does not run here in the revision that is wanted.

    Attributes:
        revision: the revision that was tried.
        error: what went wrong.
        attempts: how many times in a row.
        due: when it is tried again, on the clock of ``Failures``; None when trying again would change nothing.
    """

    revision: int
    error: PluginError
    attempts: int = 1
    due: float | None = None


class Failures:
    """What could not start in this process.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._items: Mapping[str, Failure] = MappingProxyType({})

    def get(self, plugin_id: str, revision: int) -> Failure | None:
        """Return the failure of a plugin in this revision, or None."""
        found = self._items.get(plugin_id)
        return found if found is not None and found.revision == revision else None

    def remember(self, plugin_id: str, revision: int, error: PluginError, *, wait: float | None = None) -> Failure:
        """Note a failure.

        Args:
            plugin_id: which plugin.
            revision: which revision of it was tried.
            error: what went wrong; one that may pass is due again by itself.
            wait: seconds until it is due, where that is known from elsewhere.
        """
        before = self.get(plugin_id, revision)
        attempts = before.attempts + 1 if before is not None else 1
        if wait is None and is_passing(error):
            wait = retry_seconds(attempts)
        due = None if wait is None else self._clock() + wait
        failure = Failure(revision, error, attempts, due)
        self._items = MappingProxyType({**self._items, plugin_id: failure})
        return failure

    def forget(self, plugin_id: str) -> None:
        """Drop what is known about a plugin: it works, or it is to be tried whatever was seen before."""
        if plugin_id in self._items:
            self._items = MappingProxyType({key: item for key, item in self._items.items() if key != plugin_id})

    def keep(self, revisions: Mapping[str, int]) -> None:
        """Drop all but the failures of these plugins in these revisions."""
        kept = {key: item for key, item in self._items.items() if revisions.get(key) == item.revision}
        self._items = MappingProxyType(kept)

    def clear(self) -> None:
        """Drop everything."""
        self._items = MappingProxyType({})

    def is_held(self, plugin_id: str, revision: int) -> bool:
        """Whether trying this revision again now makes no sense.

        What does not fit is looked at each time: the missing peer may have come, and no code runs for that.
        """
        found = self.get(plugin_id, revision)
        if found is None or isinstance(found.error, PluginIncompatibleError):
            return False
        return found.due is None or found.due > self._clock()

    def any_due(self) -> bool:
        """Whether the time of a failed plugin has come."""
        return any(item.due is not None and item.due <= self._clock() for item in self._items.values())

    def items(self) -> Iterable[tuple[str, Failure]]:
        """Return plugin id and failure of each plugin that could not start."""
        return self._items.items()
