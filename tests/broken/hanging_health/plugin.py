"""Its health check does not come back until it is let go."""

from __future__ import annotations

import threading

from gridkit_django.plugins import Plugin, PluginContext, PluginHealth


class Broken(Plugin):
    """Its health check does not come back until it is let go."""

    def initialize(self, context: PluginContext) -> None:
        self.let_go = threading.Event()

    def health_check(self) -> PluginHealth:
        self.let_go.wait()
        return PluginHealth.healthy()
