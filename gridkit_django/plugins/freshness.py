"""Freshness: whether what this process follows may be taken for what the database says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gridkit_django.plugins.generation import GenerationStore
from gridkit_django.plugins.savepoints import in_transaction


class Freshness:
    """Keeps in mind when to look, and judges what was seen.

    Args:
        generations: the generation in the database.

    Attributes:
        wanted: the newest call to look; each is an object of its own, so that a look that began before it does not
            count for it, whatever threads do at the same time.
        is_doubtful: an earlier look may have seen a change that was rolled back, so that the same number does not mean
            the same content.
    """

    def __init__(self, generations: GenerationStore) -> None:
        self._generations = generations
        self.renew()

    def renew(self) -> None:
        """Begin again: nothing was looked at."""
        self._thread = threading.local()
        self.is_doubtful = False
        self._answered = object()
        self.want()

    def want(self) -> None:
        """Look at the next use."""
        self.wanted = object()

    def answer(self, wanted: object) -> None:
        """It was looked, for a call."""
        self._answered = wanted

    @property
    def is_due(self) -> bool:
        """Whether it is to be looked, in this thread."""
        return self.wanted is not self._answered and not getattr(self._thread, "paused", False)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not look in this thread."""
        before = getattr(self._thread, "paused", False)
        self._thread.paused = True
        try:
            yield
        finally:
            self._thread.paused = before

    def doubt(self) -> None:
        """This thread makes a change inside a transaction that may be rolled back."""
        self._thread.changed = True
        self.is_doubtful = True
        self.want()

    def has_moved(self, followed: int) -> bool:
        """Whether there is something to follow.

        A smaller number inside a transaction is an old snapshot; one outside of it, a change that was rolled back.

        Args:
            followed: the generation that was followed last; -1 for none.

        Raises:
            django.db.Error: when the database can't be asked.
        """
        seen = self._generations.current()
        if self.is_doubtful or seen > followed:
            return True
        return seen < followed and not in_transaction()

    def followed(self) -> None:
        """It was followed: a doubt stays while this thread reads a transaction of its own that may be rolled back."""
        self.is_doubtful = self._changes()

    def settle(self) -> None:
        """A request or task has ended in this thread, and its transactions with it."""
        self._changes()

    def _changes(self) -> bool:
        self._thread.changed = getattr(self._thread, "changed", False) and in_transaction()
        return bool(self._thread.changed)
