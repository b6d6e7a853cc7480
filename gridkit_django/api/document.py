"""The OpenAPI document that this process answers with, made when it is first asked for."""

from __future__ import annotations

from threading import Lock
from typing import Any

from django.urls import URLPattern
from rest_framework.schemas.inspectors import ViewInspector
from rest_framework.views import APIView

from gridkit_django import api


class LateSchema(ViewInspector):
    """What describes a view: ``GridKitAutoSchema``, made when somebody asks for it, as DRF makes its default one.

    drf-spectacular brings the test clients of Django and DRF along. Only whoever reads the document pays for that.
    """

    def __get__(self, instance: APIView | None, owner: type[APIView]) -> ViewInspector:
        found: ViewInspector = super().__get__(instance, owner)
        if found is not self:
            return found
        made = api.openapi.GridKitAutoSchema()
        made.view = instance
        return made


class OpenAPIDocument:
    """The document of some URL patterns, made once per process.

    It takes nothing from the project's ``SPECTACULAR_SETTINGS`` and changes nothing there: a project that describes
    its own API with drf-spectacular keeps its own document as it is.

    Args:
        patterns: the URL patterns of the API; more may be added before the first request.
    """

    def __init__(self, patterns: list[URLPattern]) -> None:
        self._patterns = patterns
        self._lock = Lock()
        self._content: dict[str, Any] | None = None

    def mounted_at(self, server: str) -> dict[str, Any]:
        """Return the document.

        Args:
            server: path that the patterns are mounted at, for example ``/gridkit/api``.
        """
        with self._lock:
            if self._content is None:
                self._content = api.openapi.describe(self._patterns)
        return {**self._content, "servers": [{"url": server}]}
