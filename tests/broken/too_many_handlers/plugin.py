"""It subscribes more handlers than its manifest allows."""

from __future__ import annotations

from gridkit_django.plugins import Plugin, PluginContext


class Broken(Plugin):
    """It subscribes more handlers than its manifest allows."""

    def initialize(self, context: PluginContext) -> None:
        for _ in range(4):
            context.on("row:update", lambda event: None)
