"""A storage that is elsewhere, and fails when it is told to."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import InMemoryStorage


class TroubledStorage(InMemoryStorage):
    """Keeps files in memory; ``failures`` counts down per kind of act."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.failures: dict[str, int] = {}
        self.error: Exception = ConnectionError("no way to the storage")

    def _fail(self, act: str) -> None:
        if self.failures.get(act, 0):
            self.failures[act] -= 1
            raise self.error

    def _save(self, name: str, content: Any) -> str:
        self._fail("save")
        return super()._save(name, content)

    def _open(self, name: str, mode: str = "rb") -> Any:
        self._fail("open")
        return super()._open(name, mode)

    def delete(self, name: str) -> None:
        self._fail("delete")
        super().delete(name)
