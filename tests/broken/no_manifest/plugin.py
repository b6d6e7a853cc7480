"""It has no manifest."""

from __future__ import annotations

from gridkit_django.plugins import Plugin


class Broken(Plugin):
    """It has no manifest."""
