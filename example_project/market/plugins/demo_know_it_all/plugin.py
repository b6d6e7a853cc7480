"""A plugin that asks for much, and does nothing with it: for the page that shows what is asked for."""

from __future__ import annotations

from gridkit_django.plugins import Plugin


class KnowItAllPlugin(Plugin):
    """Does nothing."""
