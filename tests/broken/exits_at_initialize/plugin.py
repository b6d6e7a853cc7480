"""It leaves the process when it starts."""

from __future__ import annotations

import sys

from gridkit_django.plugins import Plugin, PluginContext


class Broken(Plugin):
    """It leaves the process when it starts."""

    def initialize(self, context: PluginContext) -> None:
        sys.exit(3)
