"""It raises when it ends."""

from __future__ import annotations

from gridkit_django.plugins import Plugin


class Broken(Plugin):
    """It raises when it ends."""

    def destroy(self) -> None:
        raise RuntimeError("destroy went wrong")
