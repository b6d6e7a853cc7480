"""A plugin of somebody whom the demo does not trust."""

from __future__ import annotations

from gridkit_django.plugins import Plugin


class LuckyDipPlugin(Plugin):
    """Does nothing."""
