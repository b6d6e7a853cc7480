"""Its health check leaves the process."""

from __future__ import annotations

import sys

from gridkit_django.plugins import Plugin, PluginHealth


class Broken(Plugin):
    """Its health check leaves the process."""

    def health_check(self) -> PluginHealth:
        sys.exit(3)
