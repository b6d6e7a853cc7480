"""Calls of plugin methods on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody


class MethodCallRequest(RequestBody):
    """A call of a method."""

    arguments: dict[str, Any] = Field(default_factory=dict)
    """Judged by the method's JSON Schema."""
    query: dict[str, Any] | None = None
    """What the user looks at: the shape of a rows request."""


class MethodAnswer(ResponseBody):
    """What a method gave."""

    result: Any
