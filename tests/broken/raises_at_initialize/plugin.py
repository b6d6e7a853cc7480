"""It raises when it starts."""

from __future__ import annotations

from gridkit_django.plugins import Plugin, PluginContext


class Broken(Plugin):
    """It raises when it starts."""

    def initialize(self, context: PluginContext) -> None:
        raise RuntimeError("initialize went wrong")
