"""It starts a thread and does not end it."""

from __future__ import annotations

import threading

from gridkit_django.plugins import Plugin, PluginContext


class Broken(Plugin):
    """It starts a thread and does not end it."""

    def initialize(self, context: PluginContext) -> None:
        self.let_go = threading.Event()
        threading.Thread(target=self.let_go.wait, name="leaked-thread", daemon=True).start()
