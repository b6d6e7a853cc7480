"""It leaves the process when it is imported."""

from __future__ import annotations

import sys

from gridkit_django.plugins import Plugin

sys.exit(3)


class Broken(Plugin):
    """It leaves the process when it is imported."""
