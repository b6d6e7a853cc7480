"""It needs a plugin that nobody has."""

from __future__ import annotations

from gridkit_django.plugins import Plugin


class Broken(Plugin):
    """It needs a plugin that nobody has."""
