"""Markdown of authors as HTML that may be shown: rendered once, when a release is published."""

from __future__ import annotations

import re
from importlib import import_module

from gridkit_django.exceptions import MarketTextError

BYTES_MAX = 256_000
DEPTH_MAX = 12
"""Levels of lists and quotes in each other; the time to render grows with them."""

_BRACKETS_MAX = 2000
"""Opening brackets in one paragraph: each may begin a link, and is tried."""

_MARK = re.compile(r"(?: {0,3}>|[ \t]*(?:[-+*]|\d{1,9}[.)])[ \t])")
_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
    *("s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}


def render(text: str, what: str) -> str:
    """Return Markdown as HTML without scripts, styles, forms, images or frames.

    HTML in the text is shown as text, and what comes out is cleaned once more. Images are left out: they would tell
    somebody else's server who reads.

    Args:
        text: Markdown (CommonMark, with tables).
        what: names the text in the error.

    Raises:
        MarketTextError: when it is too long or nested too deeply.
    """
    check_text(text, what)
    # Both are imported at the first text: they take a while, and only who publishes or reads texts needs them.
    markdown, nh3 = import_module("markdown_it"), import_module("nh3")
    html = markdown.MarkdownIt("commonmark", {"html": False, "maxNesting": 2 * DEPTH_MAX}).enable("table").render(text)
    cleaned: str = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}, "code": {"class"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )
    return cleaned


def check_text(text: str, what: str) -> None:
    """Refuse a text that would take long to render.

    Raises:
        MarketTextError: says by which limit.
    """
    if len(text.encode()) > BYTES_MAX:
        raise MarketTextError(f"{what} has more than {BYTES_MAX} bytes. Shorten it, and link to the rest.")
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.count("[") > _BRACKETS_MAX:
            raise MarketTextError(f"{what} has a paragraph with more than {_BRACKETS_MAX} opening brackets.")
    for line in text.splitlines():
        if _depth(line) > DEPTH_MAX:
            raise MarketTextError(f"{what} is nested deeper than {DEPTH_MAX} levels.")


def _depth(line: str) -> int:
    """Return how many lists and quotes a line opens or stands in."""
    depth, place = 0, 0
    while match := _MARK.match(line, place):
        depth, place = depth + 1, match.end()
    indent = len(line) - len(line.lstrip(" \t"))
    return max(depth, indent // 2 if line.lstrip()[:1] in "-+*>" and line.strip() else 0)
