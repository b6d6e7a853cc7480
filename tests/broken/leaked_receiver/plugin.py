"""It connects a receiver and does not take it away."""

from __future__ import annotations

from typing import Any

from django.core.signals import request_started

from gridkit_django.plugins import Plugin, PluginContext


def never_forgotten(**kwargs: Any) -> None:
    """Hear of each request."""


class Broken(Plugin):
    """It connects a receiver and does not take it away."""

    def initialize(self, context: PluginContext) -> None:
        request_started.connect(never_forgotten, weak=False, dispatch_uid="broken-leaked-receiver")
