"""It answers row:deselect with row:select; another plugin does the opposite."""

from __future__ import annotations

from gridkit_django.events import GridEvent
from gridkit_django.plugins import Plugin, handles


class Broken(Plugin):
    """It answers row:deselect with row:select; another plugin does the opposite."""

    @handles("row:deselect")
    def answer(self, event: GridEvent) -> None:
        self.context.emit("row:select", {"rowId": "1"}, grid=event.grid)
