"""Its handler leaves the process."""

from __future__ import annotations

import sys

from gridkit_django.events import GridEvent
from gridkit_django.plugins import Plugin, handles


class Broken(Plugin):
    """Its handler leaves the process."""

    @handles("row:update")
    def leave(self, event: GridEvent) -> None:
        sys.exit(3)
