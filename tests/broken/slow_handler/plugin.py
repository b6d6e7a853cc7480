"""Its handler is slow."""

from __future__ import annotations

import time

from gridkit_django.events import GridEvent
from gridkit_django.plugins import Plugin, handles


class Broken(Plugin):
    """Its handler is slow."""

    @handles("row:update")
    def wait(self, event: GridEvent) -> None:
        time.sleep(0.02)
