"""A plugin whose newest version was taken back: who installs it gets the one before."""

from __future__ import annotations

from typing import Any

from gridkit_django.plugins import Plugin

MINUTES = {"type": "object", "properties": {"minutes": {"type": "integer"}}, "additionalProperties": False}


class WheelsUpPlugin(Plugin):
    """Puts delays into words."""

    def initialize(self, context: Any) -> None:
        """Start."""
        context.register_method("in_words", self.in_words, schema=MINUTES, label="A delay in words")

    def in_words(self, call: Any) -> dict[str, str]:
        """Answer the method."""
        minutes = int(call.arguments.get("minutes", 0))
        return {"words": "on time" if minutes <= 0 else f"{minutes // 60} h {minutes % 60} min late"}
