"""It starts a timer and does not cancel it."""

from __future__ import annotations

import threading

from gridkit_django.plugins import Plugin, PluginContext


class Broken(Plugin):
    """It starts a timer and does not cancel it."""

    def initialize(self, context: PluginContext) -> None:
        self.timer = threading.Timer(3600, print)
        self.timer.daemon = True
        self.timer.start()
