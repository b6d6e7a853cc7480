"""Remembers the entity tags of schemas, since every answer with rows names one."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeAlias

Facts: TypeAlias = Hashable
"""All that a schema is made of; equal facts make equal schemas."""

TAGS_MAX = 512


class SchemaTags:
    """The tags of the schemas that this process has shown lately; the grid registry holds the one of the process.

    What is remembered depends on nothing but its facts, so that it can be forgotten at any time and never is wrong.
    """

    def __init__(self) -> None:
        self._tags: dict[Facts, str] = {}

    def tag(self, facts: Facts, make: Callable[[], str]) -> str:
        """Return the tag of the schema with these facts; ``make`` computes it when it is not known."""
        found = self._tags.get(facts)
        if found is None:
            if len(self._tags) >= TAGS_MAX:
                self.clear()
            found = self._tags[facts] = make()
        return found

    def clear(self) -> None:
        """Forget all."""
        self._tags = {}
