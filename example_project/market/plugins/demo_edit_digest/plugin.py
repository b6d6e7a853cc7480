"""A plugin that needs another one beside it: it is installed and started after that one, and stops with it."""

from __future__ import annotations

from typing import Any

from gridkit_django.plugins import Plugin


class EditDigestPlugin(Plugin):
    """Says what stands beside it."""

    def initialize(self, context: Any) -> None:
        """Start."""
        context.register_method("digest", self.digest, schema={"type": "object"}, label="Digest of the edits")

    def digest(self, call: Any) -> dict[str, str]:
        """Answer the method."""
        return {"digest": f"The Edit counter counts what is edited in {call.grid}."}
