"""Its version is no version."""

from __future__ import annotations

from gridkit_django.plugins import Plugin


class Broken(Plugin):
    """Its version is no version."""
