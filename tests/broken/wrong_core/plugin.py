"""It was made for a core of the far future."""

from __future__ import annotations

from gridkit_django.plugins import Plugin


class Broken(Plugin):
    """It was made for a core of the far future."""
