"""It needs the first of the cycle, which needs it."""

from __future__ import annotations

from gridkit_django.plugins import Plugin


class Broken(Plugin):
    """It needs the first of the cycle, which needs it."""
