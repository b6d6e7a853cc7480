"""It stores more with every event."""

from __future__ import annotations

from gridkit_django.events import GridEvent
from gridkit_django.plugins import Plugin, handles


class Broken(Plugin):
    """It stores more with every event."""

    @handles("row:update")
    def hoard(self, event: GridEvent) -> None:
        self.context.storage.set(event.id, "x" * 400_000)
