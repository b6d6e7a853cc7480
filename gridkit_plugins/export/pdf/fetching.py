"""What the page of a PDF file may load: nothing but what stands in the template itself."""

from __future__ import annotations

import re
from typing import Any

from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

_EMBEDDED = re.compile(r"data:(?:image/(?:png|jpeg|gif|webp|svg\+xml)|font/(?:ttf|otf|woff2?))[;,]")
_LONGEST = 4_000_000


class EmbeddedOnly(URLFetcher):  # type: ignore[misc]  # WeasyPrint is untyped
    """Gives images and fonts that stand in the template as ``data:`` addresses; everything else ends the export.

    No address, no file: neither a cell nor a template can make the server open anything.
    """

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """Return what a ``data:`` address of an image or a font holds.

        Raises:
            FatalURLFetchingError: for any other address, and for one that is too long; it ends the rendering.
        """
        if not _EMBEDDED.match(url):
            raise FatalURLFetchingError(f"PDF exports load nothing from outside; refused: {url[:100]}")
        if len(url) > _LONGEST:
            raise FatalURLFetchingError(f"PDF exports embed {_LONGEST:,} characters at most in one address.")
        return super().fetch(url, headers)
