"""It answers one event with a hundred."""

from __future__ import annotations

from gridkit_django.events import GridEvent
from gridkit_django.plugins import Plugin, handles


class Broken(Plugin):
    """It answers one event with a hundred."""

    @handles("row:update")
    def shout(self, event: GridEvent) -> None:
        for _ in range(100):
            self.context.emit("row:select", {"rowId": "1"}, grid=event.grid)
