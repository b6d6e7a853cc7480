"""It raises when it takes over."""

from __future__ import annotations

from gridkit_django.plugins import Plugin


class Broken(Plugin):
    """It raises when it takes over."""

    def on_hot_reload(self, previous: Plugin) -> None:
        raise RuntimeError("taking over went wrong")
