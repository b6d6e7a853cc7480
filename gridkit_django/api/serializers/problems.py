"""The problem document (RFC 9457), for the OpenAPI document."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from gridkit_django.api.serializers.bodies import ResponseBody


class ProblemItem(ResponseBody):
    """One fault inside a refusal."""

    pointer: str
    """JSON Pointer (RFC 6901) into the body, or ``?name`` for a query parameter."""
    code: str
    """Stable and kebab-case."""
    detail: str


class Problem(ResponseBody):
    """An RFC 9457 problem document. A code may add members, such as ``current`` of a version conflict."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:gridkit:problem:grid-not-found"])
    title: str
    status: int
    detail: str
    """What happened, what was expected and what to do next."""
    instance: str
    """Path of the request."""
    code: str
    """Stable and kebab-case; branch on this."""
    errors: list[ProblemItem]
    request_id: str
    """The same as in the header X-Request-ID, and in the site's log."""
