"""The changelog of a release, which its author wrote in Markdown, for a page of this site."""

from __future__ import annotations

import re

from django.utils.safestring import SafeString

from gridkit_django.exceptions import MarketTextError
from gridkit_django.marketplace import shelf

CHARACTERS_MAX = 8000
_HEADING = re.compile(r"(</?h)([1-6])>")
_BELOW = 2
"""The page's own headings: its title, and that of the block in which the changelog stands."""


def changes_of(changelog: str) -> str:
    """Return a changelog as HTML that was made and cleaned here, whatever the marketplace is; no more than is read.

    Args:
        changelog: Markdown. What would take too long to render comes back as it is, to be shown as text.
    """
    text = changelog[:CHARACTERS_MAX]
    try:
        html = shelf.texts.render(text, "The changelog")
    except MarketTextError:
        return text
    return SafeString(_HEADING.sub(_lowered, html))


def _lowered(heading: re.Match[str]) -> str:
    return f"{heading[1]}{min(int(heading[2]) + _BELOW, 6)}>"
