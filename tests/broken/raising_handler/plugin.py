"""Its handler raises."""

from __future__ import annotations

from gridkit_django.events import GridEvent
from gridkit_django.plugins import Plugin, handles


class Broken(Plugin):
    """Its handler raises."""

    @handles("row:update")
    def fail(self, event: GridEvent) -> None:
        raise RuntimeError("the handler went wrong")
