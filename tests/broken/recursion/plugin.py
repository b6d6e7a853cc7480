"""Its handler calls itself without end."""

from __future__ import annotations

from gridkit_django.events import GridEvent
from gridkit_django.plugins import Plugin, handles


class Broken(Plugin):
    """Its handler calls itself without end."""

    @handles("row:update")
    def dig(self, event: GridEvent) -> None:
        self.dig(event)
