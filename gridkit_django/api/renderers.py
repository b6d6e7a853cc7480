"""Writing JSON, and the one rule of content negotiation: the answer is JSON whatever was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request


class CompactJSONRenderer(JSONRenderer):
    """JSON in UTF-8 without spaces, whatever the project's ``REST_FRAMEWORK`` says.

    Numbers that JSON can't carry are refused: a writer must not send what a reader must reject.
    """

    compact = True
    ensure_ascii = False
    strict = True

    def get_indent(self, accepted_media_type: str, renderer_context: Mapping[str, Any]) -> int | None:
        """Never indent: the media type's ``indent`` parameter would multiply the size of an answer."""
        return None


class OpenAPIRenderer(CompactJSONRenderer):
    """The OpenAPI document as JSON (which is YAML, too), under its registered media type."""

    media_type = "application/vnd.oai.openapi+json"


class SingleFormatNegotiation(BaseContentNegotiation):
    """Picks the view's parser by content type, and its first renderer always (RFC 9110, 12.5.1 allows it).

    A download is no JSON, and a problem document has its own media type: a strict reading of ``Accept`` would
    answer 406 to clients that ask for exactly what they get.
    """

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Return the parser of the request's content type, or None for 415 (Unsupported Media Type)."""
        wanted = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer and its media type."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)
