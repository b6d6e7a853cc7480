"""It answers row:select with row:deselect; another plugin does the opposite."""

from __future__ import annotations

from gridkit_django.events import GridEvent
from gridkit_django.plugins import Plugin, handles


class Broken(Plugin):
    """It answers row:select with row:deselect; another plugin does the opposite."""

    @handles("row:select")
    def answer(self, event: GridEvent) -> None:
        self.context.emit("row:deselect", {"rowId": "1"}, grid=event.grid)
